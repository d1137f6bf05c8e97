# modes: plain san palloc
#
# What is no mistake, but will hardly do what was meant. No warning may hold a
# target's URL: it is a password.

use lib 't/lib';
use Jamhook;
use Jamhook::Conf;

our $off = q{: whoever is in between can read and answer its deliveries; turn}
         . q{ it on, with "proxy_ssl_trusted_certificate"};
our $name_off = q{: a target that shares its address with others will not know}
              . q{ who is meant; turn it on};
our $fails = q{: deliveries will fail as "misconfigured"};

# a Fin endpoint
sub fin {
    my ($location, $url, @more) = @_;

    return "location $location { jamhook_connector intercom_fin;\n"
           . "jamhook_endpoint fin;\n"
           . "jamhook_sign off;\n" . join("\n", @more) . "\n"
           . "proxy_pass $url;\n}";
}

our $tls = 'proxy_ssl_verify on; proxy_ssl_server_name on; '
         . 'proxy_ssl_trusted_certificate $TEST_NGINX_CRT;';

run_tests();

__DATA__

=== TEST 1: several endpoints without a store
--- config
    $TEST_NGINX_FIN
    location = /audit { jamhook_endpoint audit; jamhook_sign off; proxy_pass http://127.0.0.1; }
    location = /jam {
        jamhook_verify keys/P1.key;
        jamhook_pass fin audit;
    }
--- warned
"jamhook_pass" names several endpoints and there is no store at jamhook_pass







=== TEST 2: that is told once, also where the location has "if" and "limit_except"
--- config
    $TEST_NGINX_FIN
    location = /audit { jamhook_endpoint audit; jamhook_sign off; proxy_pass http://127.0.0.1; }
    location = /jam {
        jamhook_pass fin audit;
        jamhook_verify keys/P1.key;
        if ($arg_a) { set $a 1; }
        if ($arg_b) { jamhook_verify keys/P2.key; }
        limit_except POST { deny all; }
    }
--- warned
"jamhook_pass" names several endpoints and there is no store at jamhook_pass







=== TEST 3: it is told in an included file
--- user_files
>>> jam.conf

jamhook_pass fin audit;
--- config
    $TEST_NGINX_FIN
    location = /audit { jamhook_endpoint audit; jamhook_sign off; proxy_pass http://127.0.0.1; }
    location = /jam { jamhook_verify keys/P1.key; include ../html/jam.conf; }
--- warned
"jamhook_pass" names several endpoints and there is no store at jam.conf: jamhook_pass







=== TEST 4: https without proxy_ssl_verify and proxy_ssl_server_name
--- config eval: main::fin('/fin', 'https://127.0.0.1/secret-path')
--- warned eval
"\"proxy_ssl_verify\" is off for the endpoint \"fin\"$main::off at jamhook_endpoint
\"proxy_ssl_server_name\" is off for the endpoint \"fin\"$main::name_off at jamhook_endpoint"
--- no_log
secret-path







=== TEST 5: https with proxy_ssl_verify alone
--- config eval: main::fin('/fin', 'https://127.0.0.1/secret-path', 'proxy_ssl_verify on; proxy_ssl_trusted_certificate $TEST_NGINX_CRT;')
--- warned
"proxy_ssl_server_name" is off for the endpoint "fin" at jamhook_endpoint







=== TEST 6: https with proxy_ssl_server_name alone
--- config eval: main::fin('/fin', 'https://127.0.0.1/secret-path', 'proxy_ssl_server_name on;')
--- warned
"proxy_ssl_verify" is off for the endpoint "fin" at jamhook_endpoint







=== TEST 7: https with both
--- config eval: main::fin('/fin', 'https://127.0.0.1/secret-path', $main::tls)
--- warned







=== TEST 8: both may stand in http
--- http_config eval: $main::tls
--- config eval: main::fin('/fin', 'https://127.0.0.1/secret-path')
--- warned







=== TEST 9: off in the location wins over on in http
--- http_config eval: $main::tls
--- config eval: main::fin('/fin', 'https://127.0.0.1/secret-path', 'proxy_ssl_verify off; proxy_ssl_server_name off;')
--- warned
"proxy_ssl_verify" is off for the endpoint "fin" at jamhook_endpoint
"proxy_ssl_server_name" is off for the endpoint "fin" at jamhook_endpoint







=== TEST 10: https of an endpoint without a connector
--- config
    location = /audit {
        jamhook_endpoint audit;
        jamhook_sign off;
        proxy_pass https://127.0.0.1/secret-path;
    }
--- warned
"proxy_ssl_verify" is off for the endpoint "audit" at jamhook_endpoint
"proxy_ssl_server_name" is off for the endpoint "audit" at jamhook_endpoint







=== TEST 11: https in capitals, and with variables
--- config eval: main::fin('/fin', 'HTTPS://$host/$jamhook_conversation_id')
--- warned
"proxy_ssl_verify" is off for the endpoint "fin" at jamhook_endpoint
"proxy_ssl_server_name" is off for the endpoint "fin" at jamhook_endpoint







=== TEST 12: https to an upstream block, in an included file
--- http_config
    upstream intercom { server 127.0.0.1:9; }
--- user_files
>>> fin.url
# a password

proxy_pass https://intercom/secret-path;
>>> fin.conf

jamhook_endpoint fin;
jamhook_connector intercom_fin;
jamhook_sign off;
include ../html/fin.url;
--- config
    location /fin { include ../html/fin.conf; }
--- warned
"proxy_ssl_verify" is off for the endpoint "fin" at fin.conf: jamhook_endpoint
"proxy_ssl_server_name" is off for the endpoint "fin" at fin.conf: jamhook_endpoint
--- no_log
secret-path







=== TEST 13: grpcs without grpc_ssl_verify
--- config
    location = /audit {
        jamhook_endpoint audit;
        jamhook_sign off;
        grpc_pass grpcs://127.0.0.1:9;
    }
--- warned
"grpc_ssl_verify" is off for the endpoint "audit" at jamhook_endpoint
"grpc_ssl_server_name" is off for the endpoint "audit" at jamhook_endpoint







=== TEST 14: https elsewhere is nobody's business
--- config
    $TEST_NGINX_FIN
    location /x { proxy_pass https://127.0.0.1/path; }
--- warned







=== TEST 15: variables without the conversation's id
--- config eval: main::fin('/fin', 'http://$host/secret-path/$arg_a')
--- warned eval
"the URL of \"proxy_pass\" for the endpoint \"fin\" has variables and does not end in \"/\$jamhook_conversation_id\"$main::fails at proxy_pass"
--- no_log
secret-path







=== TEST 16: in an included file
--- user_files
>>> fin.url
# a password
proxy_pass
    http://$host/secret-path
    ;
--- config
    location /fin {
        jamhook_endpoint fin;
        jamhook_connector intercom_fin;
        jamhook_sign off;
        include ../html/fin.*;
    }
--- warned
has variables and does not end in "/$jamhook_conversation_id"
--- log
~ has variables .* in /\S+/html/fin\.url:4$
--- no_log
secret-path







=== TEST 17: the id in a query
--- config eval: main::fin('/fin', 'http://$host/path?id=/$jamhook_conversation_id')
--- warned
has a "?", and the conversation's id would follow it at proxy_pass







=== TEST 18: the id after something that is no slash
--- config eval: main::fin('/fin', 'http://$host/path-$jamhook_conversation_id')
--- warned
has variables and does not end in "/$jamhook_conversation_id" at proxy_pass







=== TEST 19: the id and a slash
--- config eval: main::fin('/fin', 'http://$host/path/$jamhook_conversation_id/')
--- warned
has variables and does not end in "/$jamhook_conversation_id" at proxy_pass







=== TEST 20: another variable that begins as the id does
--- config eval: main::fin('/fin', 'http://$host/path/$jamhook_conversation_id_2', 'set $jamhook_conversation_id_2 x;')
--- warned
has variables and does not end in "/$jamhook_conversation_id" at proxy_pass http







=== TEST 21: the id in braces is right
--- config eval: main::fin('/fin', 'http://$host/path/${jamhook_conversation_id}')
--- warned







=== TEST 22: the id in quotes is right
--- config eval: main::fin('/fin', '"http://$host/path/$jamhook_conversation_id"')
--- warned







=== TEST 23: with variables the slash at the location's end does not count
--- config eval: main::fin('/fin/', 'http://$host/path/$jamhook_conversation_id')
--- warned







=== TEST 24: variables of an endpoint without a connector are fine
--- config
    location = /audit {
        jamhook_endpoint audit;
        jamhook_sign off;
        proxy_pass http://$host/path;
    }
--- warned







=== TEST 25: variables in an "if" of the endpoint
--- config eval: main::fin('/fin', 'http://127.0.0.1/path', 'if ($jamhook_type = x) {', 'proxy_pass http://$host/path ;', '}')
--- warned
has variables and does not end in "/$jamhook_conversation_id" at proxy_pass http://$host/path ;







=== TEST 26: a "?" in the URL
--- config eval: main::fin('/fin', 'http://127.0.0.1/secret-path?x=')
--- warned eval
"the URL of \"proxy_pass\" for the endpoint \"fin\" has a \"?\", and the conversation's id would follow it$main::fails at proxy_pass"
--- no_log
secret-path







=== TEST 27: no slash at the URL's end and one at the location's
--- config eval: main::fin('/fin/', 'http://127.0.0.1/secret-path')
--- warned eval
"the URL of \"proxy_pass\" for the endpoint \"fin\" has no \"/\" at its end and the location's name has one$main::fails at proxy_pass"
--- no_log
secret-path







=== TEST 28: a slash at both is right
--- config eval: main::fin('/fin/', 'http://127.0.0.1/path/')
--- warned







=== TEST 29: a slash at none is right
--- config eval: main::fin('/fin', 'http://127.0.0.1/path')
--- warned







=== TEST 30: a URL without a path takes the location's name
--- config eval: main::fin('/fin/', 'http://127.0.0.1:9')
--- warned







=== TEST 31: a path of one slash has one at its end
--- config eval: main::fin('/fin/', 'http://127.0.0.1/')
--- warned







=== TEST 32: a unix socket without a path takes the location's name
--- config eval: main::fin('/fin/', 'http://unix:/tmp/jamhook-nobody.sock')
--- warned







=== TEST 33: a unix socket with a path is judged by it
--- config eval: main::fin('/fin/', 'http://unix:/tmp/jamhook-nobody.sock:/path')
--- warned
has no "/" at its end and the location's name has one at proxy_pass







=== TEST 34: a unix socket with a path that ends in a slash is right
--- config eval: main::fin('/fin/', 'http://unix:/tmp/jamhook-nobody.sock:/path/')
--- warned







=== TEST 35: a URL in a comment is none
--- config eval: main::fin('/fin', 'http://127.0.0.1/path', '# proxy_pass https://$host/x;')
--- warned







=== TEST 36: blocks of other modules around it do not disturb
--- http_config
    map $host $x { default "a}b"; "~^a{2}$" '{'; }
    upstream u { server 127.0.0.1:9; }
    geo $g { default 0; 127.0.0.0/8 1; }
--- config
    location ~ "^/a{1,2}$" { return 200 "}"; }
    location /fin { jamhook_endpoint fin; jamhook_connector intercom_fin; jamhook_sign off;
        proxy_pass http://u/path?;
    }
--- warned
has a "?" at proxy_pass







=== TEST 37: each endpoint has its own warning
--- config
    location /a { jamhook_endpoint a; jamhook_connector intercom_fin; jamhook_sign off;
        proxy_pass http://127.0.0.1/a?;
    }
    location /b/ { jamhook_endpoint b; jamhook_connector intercom_fin; jamhook_sign off;
        proxy_pass http://127.0.0.1/b;
    }
    location /c { jamhook_endpoint c; jamhook_connector intercom_fin; jamhook_sign off;
        proxy_pass http://127.0.0.1/c;
    }
--- warned
for the endpoint "a" has a "?" at proxy_pass http://127.0.0.1/a?
for the endpoint "b" has no "/" at its end at proxy_pass http://127.0.0.1/b;







=== TEST 38: a configuration that is refused for something else is refused
--- config
    $TEST_NGINX_FIN
    no_such_directive;
--- refused
unknown directive "no_such_directive"
at no_such_directive

# modes: plain san palloc
#
# jamhook_endpoint, and what its location must be

use lib 't/lib';
use Jamhook;
use Jamhook::Conf;

our $LONG = 'n' x 65;

run_tests();

__DATA__

=== TEST 1: jamhook_endpoint needs a name
--- config
    location = /audit {
        jamhook_endpoint;
    }
--- refused
invalid number of arguments in "jamhook_endpoint" directive
at jamhook_endpoint







=== TEST 2: and takes one
--- config
    location = /audit {
        jamhook_endpoint a b;
    }
--- refused
invalid number of arguments in "jamhook_endpoint" directive
at jamhook_endpoint







=== TEST 3: a name has no dot
--- config
    location = /audit {
        jamhook_endpoint a.b;
    }
--- refused
invalid value "a.b" in "jamhook_endpoint": a name is 1 to 64 of A-Z a-z 0-9 _ -
at jamhook_endpoint







=== TEST 4: a name is not empty
--- config
    location = /audit {
        jamhook_endpoint "";
    }
--- refused
invalid value "" in "jamhook_endpoint": a name is 1 to 64 of A-Z a-z 0-9 _ -
at jamhook_endpoint







=== TEST 5: a name is no longer than 64 characters
--- config eval
"location = /audit {\n jamhook_endpoint $main::LONG;\n}"
--- refused eval
"invalid value \"$main::LONG\" in \"jamhook_endpoint\": a name is 1 to 64 of A-Z a-z 0-9 _ -\nat jamhook_endpoint"







=== TEST 6: a name is of ASCII
--- config
    location = /audit {
        jamhook_endpoint "prüfer";
    }
--- refused
in "jamhook_endpoint": a name is 1 to 64 of A-Z a-z 0-9 _ -
at jamhook_endpoint







=== TEST 7: jamhook_endpoint stands once in a location
--- config
    location = /audit {
        jamhook_endpoint a;
        jamhook_endpoint b;
    }
--- refused
"jamhook_endpoint" directive is duplicate
at jamhook_endpoint b;







=== TEST 8: a name is unique, and the place of the other is told
--- user_files
>>> first.conf
# the first

jamhook_endpoint audit; jamhook_sign off; proxy_pass http://127.0.0.1;
--- config
    location = /first { include ../html/first.conf; }
    location = /second {
        jamhook_endpoint audit;
    }
--- refused
~ invalid value "audit" in "jamhook_endpoint": the name is taken by the endpoint in \S+/html/first\.conf:3, and must be unique
at jamhook_endpoint audit;







=== TEST 9: also over servers
--- http_config
    server {
        listen $TEST_NGINX_RAND_PORT_1;
        location = /a { jamhook_endpoint audit ; jamhook_sign off; proxy_pass http://127.0.0.1; }
    }
--- config
    location = /a {
        jamhook_endpoint audit;
    }
--- refused
invalid value "audit" in "jamhook_endpoint": the name is taken by the endpoint in
at jamhook_endpoint audit;







=== TEST 10: names differ by letter case
--- config
    location = /a { jamhook_endpoint audit; jamhook_sign off; proxy_pass http://127.0.0.1; }
    location = /b { jamhook_endpoint Audit; jamhook_sign off; proxy_pass http://127.0.0.1; }
    location = /c { jamhook_endpoint audi; jamhook_sign off; proxy_pass http://127.0.0.1; }
--- warned







=== TEST 11: jamhook_endpoint stands in a location
--- config
    jamhook_endpoint audit;
--- refused
"jamhook_endpoint" directive is not allowed here
at jamhook_endpoint







=== TEST 12: not in an "if"
--- config
    location = /audit {
        if ($arg_a) {
            jamhook_endpoint audit;
        }
    }
--- refused
"jamhook_endpoint" directive is not allowed here
at jamhook_endpoint







=== TEST 13: not in a limit_except
--- config
    location = /audit {
        limit_except POST {
            jamhook_endpoint audit;
        }
    }
--- refused
"jamhook_endpoint" directive is not allowed here
at jamhook_endpoint







=== TEST 14: a location without a content handler is refused
--- config
    location = /audit {
        jamhook_endpoint audit;
        jamhook_sign off;
    }
--- refused
the endpoint "audit" in "jamhook_endpoint" stands in a location without a content handler: add "proxy_pass" with the target's URL
at jamhook_endpoint







=== TEST 15: one with a "return" alone has none
--- config
    location = /audit {
        jamhook_endpoint audit;
        jamhook_sign off;
        return 204;
    }
--- refused
the endpoint "audit" in "jamhook_endpoint" stands in a location without a content handler
at jamhook_endpoint







=== TEST 16: one with a "root" alone has none
--- config
    location = /audit {
        jamhook_endpoint audit;
        jamhook_sign off;
        root html;
    }
--- refused
the endpoint "audit" in "jamhook_endpoint" stands in a location without a content handler
at jamhook_endpoint







=== TEST 17: a proxy_pass in an "if" alone is none
--- config
    location = /audit {
        jamhook_endpoint audit;
        jamhook_sign off;
        if ($arg_a) { proxy_pass http://127.0.0.1; }
    }
--- refused
the endpoint "audit" in "jamhook_endpoint" stands in a location without a content handler
at jamhook_endpoint







=== TEST 18: a location with a regular expression is refused
--- config
    location ~ ^/audit {
        jamhook_endpoint audit;
        jamhook_sign off;
        proxy_pass http://127.0.0.1;
    }
--- refused
the endpoint "audit" in "jamhook_endpoint" stands in a location with a regular expression: use a prefix one or "="
at jamhook_endpoint







=== TEST 19: so is one inside a prefix location
--- config
    location /a {
        location ~* audit$ {
            jamhook_endpoint audit;
            jamhook_sign off;
            proxy_pass http://127.0.0.1;
        }
    }
--- refused
stands in a location with a regular expression: use a prefix one or "="
at jamhook_endpoint







=== TEST 20: a named location is refused
--- config
    location @audit {
        jamhook_endpoint audit;
        jamhook_sign off;
        proxy_pass http://127.0.0.1;
    }
--- refused
the endpoint "audit" in "jamhook_endpoint" stands in a named location: use a prefix one or "="
at jamhook_endpoint







=== TEST 21: a "^~" location is a prefix one
--- config
    location ^~ /audit {
        jamhook_endpoint audit;
        jamhook_sign off;
        proxy_pass http://127.0.0.1;
    }
--- warned







=== TEST 22: an exact location of a Fin endpoint is refused
--- config
    location = /fin {
        jamhook_endpoint fin;
        jamhook_connector intercom_fin;
        jamhook_sign off;
        proxy_pass http://127.0.0.1;
    }
--- refused
the endpoint "fin" in "jamhook_endpoint" has "jamhook_connector intercom_fin" in a location with "=": use a prefix one, for the conversation's id follows its name
at jamhook_endpoint







=== TEST 23: what is found when all is read is told in an included file
--- user_files
>>> fin.conf
jamhook_connector intercom_fin;
jamhook_sign off;

jamhook_endpoint fin;
proxy_pass http://127.0.0.1;
--- config
    location = /fin { include ../html/fin.conf; }
--- refused
the endpoint "fin" in "jamhook_endpoint" has "jamhook_connector intercom_fin" in a location with "="
at fin.conf: jamhook_endpoint







=== TEST 24: other content handlers than proxy_pass are fine
--- config
    location = /a { jamhook_endpoint a; jamhook_sign off; fastcgi_pass 127.0.0.1:9; }
    location = /b { jamhook_endpoint b; jamhook_sign off; uwsgi_pass 127.0.0.1:9; }
    location = /c { jamhook_endpoint c; jamhook_sign off; grpc_pass 127.0.0.1:9; }
    location = /d { jamhook_endpoint d; jamhook_sign off; scgi_pass 127.0.0.1:9; }
    location = /e { jamhook_endpoint e; jamhook_sign off; empty_gif; }
--- warned







=== TEST 25: an endpoint needs jamhook_sign
--- config
    location = /audit {
        jamhook_endpoint audit;
        proxy_pass http://127.0.0.1;
    }
--- refused
the endpoint "audit" needs "jamhook_sign": give it a key file, or write "jamhook_sign off" to send without a signature
at jamhook_endpoint







=== TEST 26: also where no location passes to it, in an included file
--- user_files
>>> audit.conf


jamhook_endpoint audit;
proxy_pass http://127.0.0.1;
--- config
    location = /audit { include ../html/audit.conf; }
--- refused
the endpoint "audit" needs "jamhook_sign"
at audit.conf: jamhook_endpoint







=== TEST 27: proxy_pass_request_headers off is refused
--- config
    location = /audit {
        jamhook_endpoint audit;
        jamhook_sign off;
        proxy_pass_request_headers off;
        proxy_pass http://127.0.0.1;
    }
--- refused
"proxy_pass_request_headers off" holds for the endpoint "audit", so that deliveries would lose what they are made of: write "proxy_pass_request_headers on" in its location
at jamhook_endpoint







=== TEST 28: proxy_pass_request_body off is refused
--- config
    location = /audit {
        jamhook_endpoint audit;
        jamhook_sign off;
        proxy_pass http://127.0.0.1;
        proxy_pass_request_body off;
    }
--- refused
"proxy_pass_request_body off" holds for the endpoint "audit", so that deliveries would lose what they are made of: write "proxy_pass_request_body on" in its location
at jamhook_endpoint







=== TEST 29: also when it is inherited from http
--- http_config
    proxy_pass_request_headers off;
--- config
    location = /audit {
        jamhook_endpoint audit;
        jamhook_sign off;
        proxy_pass http://127.0.0.1;
    }
--- refused
"proxy_pass_request_headers off" holds for the endpoint "audit"
at jamhook_endpoint







=== TEST 30: and from the server
--- config
    proxy_pass_request_body off;
    location = /audit {
        jamhook_endpoint audit;
        jamhook_sign off;
        proxy_pass http://127.0.0.1;
    }
--- refused
"proxy_pass_request_body off" holds for the endpoint "audit"
at jamhook_endpoint







=== TEST 31: and in an included file
--- http_config
    proxy_pass_request_headers off;
--- user_files
>>> audit.conf

jamhook_endpoint audit;
jamhook_sign off;
proxy_pass http://127.0.0.1;
--- config
    location = /audit { include ../html/audit.conf; }
--- refused
"proxy_pass_request_headers off" holds for the endpoint "audit"
at audit.conf: jamhook_endpoint







=== TEST 32: "on" in the location wins over "off" around it
--- http_config
    proxy_pass_request_headers off;
    proxy_pass_request_body off;
--- config
    location = /audit {
        jamhook_endpoint audit;
        jamhook_sign off;
        proxy_pass_request_headers on;
        proxy_pass_request_body on;
        proxy_pass http://127.0.0.1;
    }
    location = /other { proxy_pass http://127.0.0.1; }
--- warned







=== TEST 33: "off" is nothing to an endpoint that has another handler
--- http_config
    proxy_pass_request_headers off;
--- config
    location = /audit {
        jamhook_endpoint audit;
        jamhook_sign off;
        fastcgi_pass 127.0.0.1:9;
    }
--- warned

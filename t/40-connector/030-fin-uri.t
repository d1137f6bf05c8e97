# The URI that a Fin target is sent to: the pasted URL, "/", the conversation.

use lib 't/lib';
use Jamhook;
use Jamhook::Relay;

run_tests();

__DATA__

=== TEST 1: location and URL without a slash at the end
--- at: /fin
--- fin
proxy_pass http://TARGET/the/copied/path;
--- answer: 200 delivered
--- target_check
is($requests[0]{path}, '/the/copied/path/215470686832743', 'path');


=== TEST 2: a slash at the end of both
--- at: /fin/
--- fin
proxy_pass http://TARGET/the/copied/path/;
--- answer: 200 delivered
--- target_check
is($requests[0]{path}, '/the/copied/path/215470686832743', 'path');


=== TEST 3: a slash at the end of the URL alone
--- at: /fin
--- fin
proxy_pass http://TARGET/the/copied/path/;
--- answer: 200 delivered
--- target_check
is($requests[0]{path}, '/the/copied/path/215470686832743', 'path');


=== TEST 4: a slash at the end of the location alone sends nothing
--- at: /fin/
--- fin
proxy_pass http://TARGET/the/copied/path;
--- answer: 502 delivery_failed
--- target_count: 0
--- log
jamhook delivery misconfigured
jamhook delivery failed: misconfigured


=== TEST 5: a URL without a path
--- at: /fin
--- fin
proxy_pass http://TARGET;
--- answer: 200 delivered
--- target_check
is($requests[0]{path}, '/fin/215470686832743', 'the location names it');


=== TEST 6: a URL without a path, a location with a slash
--- at: /fin/
--- fin
proxy_pass http://TARGET;
--- answer: 200 delivered
--- target_check
is($requests[0]{path}, '/fin/215470686832743', 'one slash');


=== TEST 7: a URL of nothing but a slash
--- at: /fin
--- fin
proxy_pass http://TARGET/;
--- answer: 200 delivered
--- target_check
is($requests[0]{path}, '/215470686832743', 'one slash');


=== TEST 8: a URL of nothing but a slash, a location with one
--- at: /fin/
--- fin
proxy_pass http://TARGET/;
--- answer: 200 delivered
--- target_check
is($requests[0]{path}, '/215470686832743', 'one slash');


=== TEST 9: the location /
--- http_config
server {
    listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1;

    location / {
        jamhook_endpoint fin;
        jamhook_connector intercom_fin;
        jamhook_sign off;
        proxy_pass http://TARGET/p/;
    }
}
--- config
location = /jam { jamhook_pass fin; jamhook_verify keys/P1.key; }
--- event
{"conversationId":"7"}
--- answer: 200 delivered
--- target_check
is($requests[0]{path}, '/p/7', 'path');


=== TEST 10: a URL with variables that ends in the conversation's id
--- fin
set $intercom TARGET;
proxy_pass http://$intercom/the/copied/path/$jamhook_conversation_id;
--- answer: 200 delivered
--- target_check
is($requests[0]{path}, '/the/copied/path/215470686832743', 'path');


=== TEST 11: with the variable's name in braces
--- fin
set $intercom TARGET;
proxy_pass http://$intercom/p/${jamhook_conversation_id};
--- answer: 200 delivered
--- target_check
is($requests[0]{path}, '/p/215470686832743', 'path');


=== TEST 12: a URL with variables and no path has the location's name
--- fin
set $intercom TARGET;
proxy_pass http://$intercom;
--- answer: 200 delivered
--- target_check
is($requests[0]{path}, '/fin/215470686832743', 'path');


=== TEST 13: a URL with variables that does not end in the id is misconfigured
--- fin
set $intercom TARGET;
proxy_pass http://$intercom/the/copied/path;
--- answer: 502 delivery_failed
--- log
jamhook delivery misconfigured
jamhook delivery failed: misconfigured
--- no_log
/the/copied/path


=== TEST 14: a query after the id is misconfigured and nothing is sent
--- fin
proxy_pass http://TARGET/p?x=1;
--- answer: 502 delivery_failed
--- target_count: 0
--- log
jamhook delivery failed: misconfigured


=== TEST 15: a query that ends in "/" and the id is misconfigured too
--- fin
proxy_pass http://TARGET/p?x=1/;
--- answer: 502 delivery_failed
--- target_count: 0
--- log
jamhook delivery failed: misconfigured


=== TEST 16: a query in a URL with variables is misconfigured
--- fin
set $intercom TARGET;
proxy_pass http://$intercom/p?to=/$jamhook_conversation_id;
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: misconfigured


=== TEST 17: an upstream block
--- http_config
upstream intercom { server TARGET; }
--- fin
proxy_pass http://intercom/p;
--- answer: 200 delivered
--- target_check
is($requests[0]{path}, '/p/215470686832743', 'path');


=== TEST 18: an upstream block and a URL with a slash
--- http_config
upstream intercom { server TARGET; }
--- fin
proxy_pass http://intercom/p/;
--- answer: 200 delivered
--- target_check
is($requests[0]{path}, '/p/215470686832743', 'path');


=== TEST 19: an upstream block whose name is in a variable
--- http_config
upstream intercom { server TARGET; }
--- fin
set $intercom intercom;
proxy_pass http://$intercom/p/$jamhook_conversation_id;
--- answer: 200 delivered
--- target_check
is($requests[0]{path}, '/p/215470686832743', 'path');


=== TEST 20: a misconfigured upstream block sends nothing
--- http_config
upstream intercom { server TARGET; }
--- at: /fin/
--- fin
proxy_pass http://intercom/p;
--- answer: 502 delivery_failed
--- target_count: 0


=== TEST 21: characters of a URL that need escaping arrive as they were copied
--- fin
proxy_pass http://TARGET/a%20b/%7Ec;
--- answer: 200 delivered
--- target_check
is($requests[0]{path}, '/a%20b/%7Ec/215470686832743', 'path');


=== TEST 22: a long URL arrives whole
--- fin eval
'proxy_pass http://TARGET/' . ('0123456789abcdef' x 200) . ';'
--- answer: 200 delivered
--- target_check
is($requests[0]{path}, '/' . ('0123456789abcdef' x 200) . '/215470686832743',
   'path');


=== TEST 23: a rewrite that takes the id away is misconfigured
--- fin
rewrite ^ /elsewhere break;
proxy_pass http://TARGET;
--- answer: 502 delivery_failed
--- target_count: 0
--- log
jamhook delivery failed: misconfigured


=== TEST 24: a rewrite that keeps the id at the end is the operator's choice
--- fin
rewrite ^/fin/(.*)$ /v2/$1 break;
proxy_pass http://TARGET;
--- answer: 200 delivered
--- target_check
is($requests[0]{path}, '/v2/215470686832743', 'path');


=== TEST 25: an "if" with a proxy_pass of its own is looked at too
--- fin
set $other TARGET;
if ($request_method = POST) { proxy_pass http://$other/q; }
proxy_pass http://REFUSED/p;
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: misconfigured


=== TEST 26: a delivery after a misconfigured one goes on
--- config
location = /jam { jamhook_pass bad good; jamhook_verify keys/P1.key; }

location /bad/ {
    jamhook_endpoint bad;
    jamhook_connector intercom_fin;
    jamhook_sign off;
    proxy_pass http://TARGET/bad;
}

location /good {
    jamhook_endpoint good;
    jamhook_connector intercom_fin;
    jamhook_sign off;
    proxy_pass http://TARGET/good;
}
--- event
{"conversationId":"7"}
--- answer: 502 delivery_failed
--- target_requests
POST /good/7

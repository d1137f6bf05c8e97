# modes: plain san palloc

use lib 't/lib';
use Jamhook;
use Jamhook::Conf;

run_tests();

__DATA__

=== TEST 1: jamhook_pass needs an endpoint
--- config
    location = /jam { jamhook_verify keys/P1.key;
        jamhook_pass;
    }
--- refused
invalid number of arguments in "jamhook_pass" directive
at jamhook_pass;







=== TEST 2: what cannot be a name is refused
--- config
    location = /jam { jamhook_verify keys/P1.key;
        jamhook_pass fin fin/2;
    }
--- refused
invalid value "fin/2" in "jamhook_pass": the name of an endpoint is 1 to 64 of A-Z a-z 0-9 _ -
at jamhook_pass







=== TEST 3: an empty name is refused
--- config
    location = /jam { jamhook_verify keys/P1.key;
        jamhook_pass "";
    }
--- refused
invalid value "" in "jamhook_pass": the name of an endpoint is 1 to 64
at jamhook_pass







=== TEST 4: an unknown endpoint is refused, at the place of jamhook_pass
--- config
    $TEST_NGINX_FIN
    location = /jam {
        jamhook_pass fin fun;
        jamhook_verify keys/P1.key;
    }
--- refused
unknown endpoint "fun" in "jamhook_pass": no location has "jamhook_endpoint fun"
at jamhook_pass fin fun;







=== TEST 5: names differ by letter case
--- config
    $TEST_NGINX_FIN
    location = /jam {
        jamhook_pass Fin;
        jamhook_verify keys/P1.key;
    }
--- refused
unknown endpoint "Fin" in "jamhook_pass"
at jamhook_pass







=== TEST 6: a repeated endpoint is refused
--- config
    $TEST_NGINX_FIN
    location = /jam {
        jamhook_pass fin x fin;
        jamhook_verify keys/P1.key;
    }
--- refused
invalid value "fin" in "jamhook_pass": the endpoint is named twice
at jamhook_pass







=== TEST 7: jamhook_pass stands once
--- config
    $TEST_NGINX_FIN
    location = /jam {
        jamhook_verify keys/P1.key;
        jamhook_pass fin;
        jamhook_pass fin ;
    }
--- refused
"jamhook_pass" directive is duplicate
at jamhook_pass fin ;







=== TEST 8: jamhook_pass stands in a location
--- config
    $TEST_NGINX_FIN
    jamhook_pass fin;
--- refused
"jamhook_pass" directive is not allowed here
at jamhook_pass







=== TEST 9: jamhook_pass beside jamhook_endpoint is refused
--- config
    location = /jam {
        jamhook_endpoint fin;
        jamhook_pass fin;
        jamhook_verify keys/P1.key;
    }
--- refused
"jamhook_pass" and "jamhook_endpoint" stand in one location: give each a location of its own
at jamhook_pass







=== TEST 10: jamhook_endpoint beside jamhook_pass is refused
--- config
    location = /jam {
        jamhook_pass fin;
        jamhook_endpoint fin;
        jamhook_verify keys/P1.key;
    }
--- refused
"jamhook_endpoint" and "jamhook_pass" stand in one location: give each a location of its own
at jamhook_endpoint







=== TEST 11: a content handler before jamhook_pass is refused
--- config
    $TEST_NGINX_FIN
    location = /jam {
        proxy_pass http://127.0.0.1:$TEST_NGINX_REFUSED_PORT;
        jamhook_pass fin;
        jamhook_verify keys/P1.key;
    }
--- refused
"jamhook_pass" stands beside another content handler, such as "proxy_pass": give each a location of its own
at jamhook_pass







=== TEST 12: and one after it
--- config
    $TEST_NGINX_FIN
    location = /jam {
        jamhook_pass fin;
        jamhook_verify keys/P1.key;
        proxy_pass http://127.0.0.1:$TEST_NGINX_REFUSED_PORT;
    }
--- refused
"jamhook_pass" stands beside another content handler, such as "proxy_pass": give each a location of its own
at jamhook_pass







=== TEST 13: and one that is not proxy_pass
--- config
    $TEST_NGINX_FIN
    location = /jam {
        jamhook_pass fin;
        jamhook_verify keys/P1.key;
        empty_gif;
    }
--- refused
"jamhook_pass" stands beside another content handler
at jamhook_pass







=== TEST 14: one in an "if" of the ingest location answers there
--- config
    location = /jam {
        jamhook_pass audit;
        jamhook_verify keys/P1.key;
        if ($arg_a) { proxy_pass http://127.0.0.1:$TEST_NGINX_TARGET_PORT; }
    }
    location = /audit {
        jamhook_endpoint audit;
        jamhook_sign off;
        proxy_pass http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
--- event: {"a":1}
--- event_with: uri=/jam?a=1 key=none
--- target: body=its-own
--- error_code: 200
--- response_body: its-own
--- target_requests
POST /jam?a=1 {"a":1}
--- warned







=== TEST 15: without the condition the event is taken in
--- config
    location = /jam {
        jamhook_pass audit;
        jamhook_verify keys/P1.key;
        if ($arg_a) { proxy_pass http://127.0.0.1:$TEST_NGINX_REFUSED_PORT; }
    }
    location = /audit {
        jamhook_endpoint audit;
        jamhook_sign off;
        proxy_pass http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
--- event: {"a":1}
--- answer: 200 delivered
--- target_requests
POST /audit {"a":1}







=== TEST 16: a content handler beside jamhook_pass in an "if" is refused
--- config
    $TEST_NGINX_FIN
    location = /jam {
        jamhook_verify keys/P1.key;
        if ($arg_a) {
            jamhook_pass fin;
            proxy_pass http://127.0.0.1:$TEST_NGINX_REFUSED_PORT;
        }
    }
--- refused
"jamhook_pass" stands beside another content handler
at jamhook_pass







=== TEST 17: and before it in a limit_except
--- config
    $TEST_NGINX_FIN
    location = /jam {
        jamhook_verify keys/P1.key;
        limit_except GET {
            proxy_pass http://127.0.0.1:$TEST_NGINX_REFUSED_PORT;
            jamhook_pass fin;
        }
    }
--- refused
"jamhook_pass" stands beside another content handler
at jamhook_pass







=== TEST 18: jamhook_pass needs jamhook_verify
--- config
    $TEST_NGINX_FIN
    location = /jam {
        jamhook_pass fin;
    }
--- refused
"jamhook_pass" needs "jamhook_verify": give it a key file, or write "jamhook_verify off" in the location to take events from anybody
at jamhook_pass







=== TEST 19: jamhook_pass in an "if" alone needs it too
--- config
    $TEST_NGINX_FIN
    location = /jam {
        if ($arg_a) {
            jamhook_pass fin;
        }
    }
--- refused
"jamhook_pass" needs "jamhook_verify"
at jamhook_pass







=== TEST 20: an unknown endpoint in an "if" is refused
--- config
    $TEST_NGINX_FIN
    location = /jam {
        jamhook_verify keys/P1.key;
        if ($arg_a) {
            jamhook_pass fun;
        }
    }
--- refused
unknown endpoint "fun" in "jamhook_pass"
at jamhook_pass







=== TEST 21: a mistake in an included file is told with that file's place
--- user_files
>>> ingest.conf
# one
location = /jam {
    jamhook_verify  keys/P1.key;

    jamhook_pass    fin fin;
}
--- config
    $TEST_NGINX_FIN
    include ../html/ingest.conf;
--- refused
invalid value "fin" in "jamhook_pass": the endpoint is named twice
at ingest.conf: jamhook_pass







=== TEST 22: so is one that is found when all is read
--- user_files
>>> ingest.conf
# one
location = /jam {
    jamhook_verify  keys/P1.key;

    jamhook_pass    fun;
}
--- config
    $TEST_NGINX_FIN
    include ../html/ingest.conf;
--- refused
unknown endpoint "fun" in "jamhook_pass"
at ingest.conf: jamhook_pass







=== TEST 23: a content handler after jamhook_pass, in an included file
--- user_files
>>> ingest.conf
jamhook_verify  keys/P1.key;
jamhook_pass    fin;
empty_gif;
--- config
    $TEST_NGINX_FIN
    location = /jam { include ../html/ingest.conf; }
--- refused
"jamhook_pass" stands beside another content handler
at ingest.conf: jamhook_pass







=== TEST 24: jamhook_verify that is missing, in an included file
--- user_files
>>> ingest.conf
# nothing else
jamhook_pass    fin;
--- config
    $TEST_NGINX_FIN
    location = /jam { include ../html/ingest.conf; }
--- refused
"jamhook_pass" needs "jamhook_verify"
at ingest.conf: jamhook_pass

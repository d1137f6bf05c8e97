# modes: plain san palloc

use lib 't/lib';
use Jamhook;
use Jamhook::Conf;

run_tests();

__DATA__

=== TEST 1: jamhook_verify needs a file
--- config
    $TEST_NGINX_FIN
    location = /jam {
        jamhook_pass fin;
        jamhook_verify;
    }
--- refused
invalid number of arguments in "jamhook_verify" directive
at jamhook_verify;







=== TEST 2: and takes one
--- config
    $TEST_NGINX_FIN
    location = /jam {
        jamhook_pass fin;
        jamhook_verify keys/P1.key keys/P2.key;
    }
--- refused
invalid number of arguments in "jamhook_verify" directive
at jamhook_verify







=== TEST 3: jamhook_verify stands once in a location
--- config
    $TEST_NGINX_FIN
    location = /jam {
        jamhook_pass fin;
        jamhook_verify keys/P1.key;
        jamhook_verify off;
    }
--- refused
"jamhook_verify" directive is duplicate
at jamhook_verify off;







=== TEST 4: off in a server is refused
--- config
    jamhook_verify off;
    $TEST_NGINX_FIN
--- refused
invalid value "off" in "jamhook_verify": it is allowed in a location only, so that nothing is open by inheritance; give a key file here
at jamhook_verify off;







=== TEST 5: off in http is refused
--- http_config
    jamhook_verify off;
--- config
    $TEST_NGINX_FIN
--- refused
invalid value "off" in "jamhook_verify": it is allowed in a location only
at jamhook_verify off;







=== TEST 6: off in a server is refused in an included file too
--- user_files
>>> verify.conf

jamhook_verify off;
--- config
    include ../html/verify.conf;
    $TEST_NGINX_FIN
--- refused
invalid value "off" in "jamhook_verify"
at verify.conf: jamhook_verify







=== TEST 7: off in a location wins over a file around it
--- http_config
    jamhook_verify keys/P1.key;
--- config
    jamhook_verify keys/P2.key;
    location = /audit {
        jamhook_endpoint audit;
        jamhook_sign off;
        proxy_pass http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
    location = /jam {
        jamhook_pass audit;
        jamhook_verify off;
    }
--- event: {"a":1}
--- event_with: key=none
--- answer: 200 delivered
--- target_count: 1
--- warned







=== TEST 8: off is inherited from a location by one inside it
--- config
    location = /audit {
        jamhook_endpoint audit;
        jamhook_sign off;
        proxy_pass http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
    location /in {
        jamhook_verify off;
        location = /in/jam {
            jamhook_pass audit;
        }
    }
--- event: {"a":1}
--- event_with: key=none uri=/in/jam
--- answer: 200 delivered
--- target_count: 1
--- warned







=== TEST 9: a file wins over the off of the location around it
--- config
    location = /audit {
        jamhook_endpoint audit;
        jamhook_sign off;
        proxy_pass http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
    location /jam {
        jamhook_verify off;
        jamhook_pass audit;
        location = /jam/in {
            jamhook_pass audit;
            jamhook_verify keys/P1.key;
        }
    }
--- event: {"a":1}
--- event_with: key=none uri=/jam/in
--- answer: 401 signature_missing
--- target_count: 0
--- warned







=== TEST 10: a file named "off" is meant by its path
--- config
    location = /audit {
        jamhook_endpoint audit;
        jamhook_sign off;
        proxy_pass http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
    location = /jam {
        jamhook_verify ./keys/off;
        jamhook_pass audit;
    }
--- keys
>>> off
whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
--- event: {"a":1}
--- answer: 200 delivered
--- target_count: 1
--- warned







=== TEST 11: a location without jamhook_pass may have jamhook_verify
--- config
    location /in {
        jamhook_verify keys/P1.key;
        jamhook_tolerance 1m;
        location = /in/x { return 200 "x\n"; }
    }
--- request
GET /in/x
--- response_body
x
--- warned

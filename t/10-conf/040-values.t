# modes: plain san palloc
#
# jamhook_tolerance, jamhook_event_type, jamhook_timeout, jamhook_max_active

use lib 't/lib';
use Jamhook;
use Jamhook::Conf;

# in an ingest location
sub jam {
    return "\$TEST_NGINX_FIN location = /jam { jamhook_pass fin;\n"
           . "jamhook_verify keys/P1.key;\n" . join("\n", @_) . "\n}";
}

our $LONG = 'a' x 128;

run_tests();

__DATA__

=== TEST 1: jamhook_tolerance takes a time
--- config eval: main::jam('jamhook_tolerance soon;')
--- refused
invalid value "soon" in "jamhook_tolerance": give a time of 1s or more, such as 5m
at jamhook_tolerance







=== TEST 2: no negative one
--- config eval: main::jam('jamhook_tolerance -5m;')
--- refused
invalid value "-5m" in "jamhook_tolerance": give a time of 1s or more
at jamhook_tolerance







=== TEST 3: not 0
--- config eval: main::jam('jamhook_tolerance 0;')
--- refused
invalid value "0" in "jamhook_tolerance": give a time of 1s or more
at jamhook_tolerance







=== TEST 4: no milliseconds
--- config eval: main::jam('jamhook_tolerance 500ms;')
--- refused
invalid value "500ms" in "jamhook_tolerance": give a time of 1s or more
at jamhook_tolerance







=== TEST 5: no empty one
--- config eval: main::jam('jamhook_tolerance "";')
--- refused
invalid value "" in "jamhook_tolerance": give a time of 1s or more
at jamhook_tolerance







=== TEST 6: no unknown unit
--- config eval: main::jam('jamhook_tolerance 5x;')
--- refused
invalid value "5x" in "jamhook_tolerance": give a time of 1s or more
at jamhook_tolerance







=== TEST 7: none that no number holds
--- config eval: main::jam('jamhook_tolerance 99999999999999999999s;')
--- refused
invalid value "99999999999999999999s" in "jamhook_tolerance": give a time of 1s or more
at jamhook_tolerance







=== TEST 8: jamhook_tolerance takes one value
--- config eval: main::jam('jamhook_tolerance 5m 1m;')
--- refused
invalid number of arguments in "jamhook_tolerance" directive
at jamhook_tolerance







=== TEST 9: jamhook_tolerance stands once
--- config eval: main::jam('jamhook_tolerance 5m;', 'jamhook_tolerance 6m;')
--- refused
"jamhook_tolerance" directive is duplicate
at jamhook_tolerance 6m;







=== TEST 10: a mistake in jamhook_tolerance in an included file
--- user_files
>>> times.conf


jamhook_tolerance 0;
--- config
    include ../html/times.conf;
--- refused
invalid value "0" in "jamhook_tolerance"
at times.conf: jamhook_tolerance







=== TEST 11: times that are right
--- http_config
    jamhook_tolerance 1s;
--- config
    jamhook_tolerance 1d;
    location = /a { jamhook_tolerance 1h30m; }
    location = /b { jamhook_tolerance 300; }
--- warned







=== TEST 12: jamhook_event_type takes no space
--- config eval: main::jam('jamhook_event_type "jam created";')
--- refused
invalid value "jam created" in "jamhook_event_type": give "auto" or a type such as "intercom.recorder.recorded": 1 to 128 of A-Z a-z 0-9 _ . : / -
at jamhook_event_type







=== TEST 13: no star
--- config eval: main::jam('jamhook_event_type jam.*;')
--- refused
invalid value "jam.*" in "jamhook_event_type": give "auto" or a type
at jamhook_event_type







=== TEST 14: no empty type
--- config eval: main::jam('jamhook_event_type "";')
--- refused
invalid value "" in "jamhook_event_type": give "auto" or a type
at jamhook_event_type







=== TEST 15: none of more than 128 characters
--- config eval: main::jam("jamhook_event_type ${main::LONG}a;")
--- refused eval: "invalid value \"${main::LONG}a\" in \"jamhook_event_type\": give \"auto\" or a type\nat jamhook_event_type"







=== TEST 16: one of 128 characters is taken
--- config eval: main::jam("jamhook_event_type $main::LONG;")
--- warned







=== TEST 17: jamhook_event_type takes one type
--- config eval: main::jam('jamhook_event_type jam.created x;')
--- refused
invalid number of arguments in "jamhook_event_type" directive
at jamhook_event_type







=== TEST 18: jamhook_event_type stands once, also after auto
--- config eval: main::jam('jamhook_event_type auto;', 'jamhook_event_type x;')
--- refused
"jamhook_event_type" directive is duplicate
at jamhook_event_type x;







=== TEST 19: jamhook_event_type belongs to jamhook_pass
--- config
    location = /jam {
        jamhook_event_type x;
    }
--- refused
"jamhook_event_type" stands in a location without "jamhook_pass", which it belongs to
at jamhook_event_type







=== TEST 20: not to an endpoint
--- config
    location = /fin {
        jamhook_endpoint fin;
        jamhook_sign off;
        jamhook_event_type x;
        proxy_pass http://127.0.0.1;
    }
--- refused
"jamhook_event_type" stands in a location without "jamhook_pass", which it belongs to
at jamhook_event_type







=== TEST 21: and is told in an included file
--- user_files
>>> type.conf

jamhook_event_type auto;
--- config
    location = /jam { include ../html/type.conf; }
--- refused
"jamhook_event_type" stands in a location without "jamhook_pass", which it belongs to
at type.conf: jamhook_event_type







=== TEST 22: jamhook_event_type stands in a location
--- config
    jamhook_event_type x;
--- refused
"jamhook_event_type" directive is not allowed here
at jamhook_event_type







=== TEST 23: jamhook_timeout takes a time
--- config
    jamhook_timeout never;
--- refused
invalid value "never" in "jamhook_timeout": give a time of 1ms or more, such as 15s
at jamhook_timeout







=== TEST 24: not 0
--- config
    jamhook_timeout 0s;
--- refused
invalid value "0s" in "jamhook_timeout": give a time of 1ms or more
at jamhook_timeout







=== TEST 25: no negative one
--- config
    jamhook_timeout -1s;
--- refused
invalid value "-1s" in "jamhook_timeout": give a time of 1ms or more
at jamhook_timeout







=== TEST 26: no empty one
--- config
    jamhook_timeout "";
--- refused
invalid value "" in "jamhook_timeout": give a time of 1ms or more
at jamhook_timeout







=== TEST 27: none that no number holds
--- config
    jamhook_timeout 99999999999999999999s;
--- refused
invalid value "99999999999999999999s" in "jamhook_timeout": give a time of 1ms or more
at jamhook_timeout







=== TEST 28: jamhook_timeout stands once
--- config
    jamhook_timeout 1ms;
    jamhook_timeout 2ms;
--- refused
"jamhook_timeout" directive is duplicate
at jamhook_timeout 2ms;







=== TEST 29: jamhook_timeout takes one time
--- config
    jamhook_timeout;
--- refused
invalid number of arguments in "jamhook_timeout" directive
at jamhook_timeout







=== TEST 30: a mistake in jamhook_timeout in an included file
--- user_files
>>> times.conf
# seconds

jamhook_timeout 15sec;
--- config
    include ../html/times.conf;
--- refused
invalid value "15sec" in "jamhook_timeout"
at times.conf: jamhook_timeout







=== TEST 31: jamhook_max_active takes a number
--- config
    jamhook_max_active many;
--- refused
invalid value "many" in "jamhook_max_active": give a number of 1 or more, such as 64
at jamhook_max_active







=== TEST 32: not 0
--- config
    jamhook_max_active 0;
--- refused
invalid value "0" in "jamhook_max_active": give a number of 1 or more
at jamhook_max_active







=== TEST 33: no negative one
--- config
    jamhook_max_active -1;
--- refused
invalid value "-1" in "jamhook_max_active": give a number of 1 or more
at jamhook_max_active







=== TEST 34: no fraction
--- config
    jamhook_max_active 1.5;
--- refused
invalid value "1.5" in "jamhook_max_active": give a number of 1 or more
at jamhook_max_active







=== TEST 35: no empty one
--- config
    jamhook_max_active "";
--- refused
invalid value "" in "jamhook_max_active": give a number of 1 or more
at jamhook_max_active







=== TEST 36: none that no integer holds
--- config
    jamhook_max_active 99999999999999999999;
--- refused
invalid value "99999999999999999999" in "jamhook_max_active": give a number of 1 or more
at jamhook_max_active







=== TEST 37: jamhook_max_active stands once
--- config
    jamhook_max_active 1;
    jamhook_max_active 2;
--- refused
"jamhook_max_active" directive is duplicate
at jamhook_max_active 2;







=== TEST 38: jamhook_max_active takes one number
--- config
    jamhook_max_active 1 2;
--- refused
invalid number of arguments in "jamhook_max_active" directive
at jamhook_max_active







=== TEST 39: a mistake in jamhook_max_active in an included file
--- user_files
>>> max.conf

jamhook_max_active 64k;
--- config
    include ../html/max.conf;
--- refused
invalid value "64k" in "jamhook_max_active"
at max.conf: jamhook_max_active







=== TEST 40: both are taken at all three levels
--- http_config
    jamhook_timeout 1ms;
    jamhook_max_active 1;
--- config
    jamhook_timeout 1d;
    jamhook_max_active 100000;
    location = /a { jamhook_timeout 1h30m; jamhook_max_active 2; }
--- warned

# modes: plain san palloc
#
# jamhook_connector, jamhook_events, jamhook_sign

use lib 't/lib';
use Jamhook;
use Jamhook::Conf;

# in an endpoint's location
sub audit {
    return "location /audit { jamhook_endpoint audit;\n"
           . "proxy_pass http://127.0.0.1;\n" . join("\n", @_) . "\n}";
}

our $LONG = 'a' x 128;

run_tests();

__DATA__

=== TEST 1: jamhook_connector needs a value
--- config eval: main::audit('jamhook_connector;')
--- refused
invalid number of arguments in "jamhook_connector" directive
at jamhook_connector







=== TEST 2: an unknown connector is refused
--- config eval: main::audit('jamhook_connector zendesk;')
--- refused
invalid value "zendesk" in "jamhook_connector": it is "none" or "intercom_fin"
at jamhook_connector







=== TEST 3: an empty one too
--- config eval: main::audit('jamhook_connector "";')
--- refused
invalid value "" in "jamhook_connector": it is "none" or "intercom_fin"
at jamhook_connector







=== TEST 4: an unknown parameter is refused
--- config eval: main::audit('jamhook_connector intercom_fin wrap=payload;')
--- refused
invalid value "wrap=payload" in "jamhook_connector": the one parameter is "wrap=data", of "intercom_fin"
at jamhook_connector







=== TEST 5: "none" has no parameter
--- config eval: main::audit('jamhook_connector none wrap=data;')
--- refused
invalid value "wrap=data" in "jamhook_connector": the one parameter is "wrap=data", of "intercom_fin"
at jamhook_connector







=== TEST 6: there is no third value
--- config eval: main::audit('jamhook_connector intercom_fin wrap=data x;')
--- refused
invalid number of arguments in "jamhook_connector" directive
at jamhook_connector







=== TEST 7: jamhook_connector stands once
--- config eval: main::audit('jamhook_connector none;', 'jamhook_connector none ;')
--- refused
"jamhook_connector" directive is duplicate
at jamhook_connector none ;







=== TEST 8: jamhook_connector belongs to an endpoint
--- config
    $TEST_NGINX_FIN
    location = /jam {
        jamhook_pass fin;
        jamhook_verify off;
        jamhook_connector none;
    }
--- refused
"jamhook_connector" stands in a location without "jamhook_endpoint", which it belongs to
at jamhook_connector none;







=== TEST 9: jamhook_connector in a location inside an endpoint's belongs to nothing
--- user_files
>>> inner.conf

jamhook_connector intercom_fin;
--- config
    location /fin {
        jamhook_endpoint fin;
        jamhook_sign off;
        proxy_pass http://127.0.0.1;
        location /fin/in { include ../html/inner.conf; }
    }
--- refused
"jamhook_connector" stands in a location without "jamhook_endpoint", which it belongs to
at inner.conf: jamhook_connector







=== TEST 10: jamhook_connector stands in a location
--- config
    jamhook_connector none;
--- refused
"jamhook_connector" directive is not allowed here
at jamhook_connector







=== TEST 11: a mistake in jamhook_connector in an included file
--- user_files
>>> c.conf

jamhook_connector Intercom_Fin;
--- config eval: main::audit('include ../html/c.conf;')
--- refused
invalid value "Intercom_Fin" in "jamhook_connector"
at c.conf: jamhook_connector







=== TEST 12: jamhook_events needs a type
--- config eval: main::audit('jamhook_events;')
--- refused
invalid number of arguments in "jamhook_events" directive
at jamhook_events







=== TEST 13: a type with a space is refused
--- config eval: main::audit('jamhook_events jam.created "a b";')
--- refused
invalid value "a b" in "jamhook_events": a type is 1 to 128 of A-Z a-z 0-9 _ . : / -, with at most one "*", at its end
at jamhook_events







=== TEST 14: a star in the middle is refused
--- config eval: main::audit('jamhook_events jam.*.x;')
--- refused
invalid value "jam.*.x" in "jamhook_events": a type is 1 to 128
at jamhook_events







=== TEST 15: two stars are refused
--- config eval: main::audit('jamhook_events jam.**;')
--- refused
invalid value "jam.**" in "jamhook_events": a type is 1 to 128
at jamhook_events







=== TEST 16: an empty type is refused
--- config eval: main::audit('jamhook_events "";')
--- refused
invalid value "" in "jamhook_events": a type is 1 to 128
at jamhook_events







=== TEST 17: a type of 129 characters is refused
--- config eval: main::audit("jamhook_events ${main::LONG}a;")
--- refused eval: "invalid value \"${main::LONG}a\" in \"jamhook_events\": a type is 1 to 128\nat jamhook_events"







=== TEST 18: one of 128 and a star are taken
--- config eval: main::audit('jamhook_sign off;', "jamhook_events $main::LONG * jam.* a:b/c_d-E;")
--- warned







=== TEST 19: a type that stands twice is refused
--- config eval: main::audit('jamhook_events a.b c.d a.b;')
--- refused
invalid value "a.b" in "jamhook_events": the type is named twice
at jamhook_events







=== TEST 20: jamhook_events stands once
--- config eval: main::audit('jamhook_events a;', 'jamhook_events b;')
--- refused
"jamhook_events" directive is duplicate
at jamhook_events b;







=== TEST 21: jamhook_events belongs to an endpoint
--- config
    location = /jam {
        jamhook_events a;
    }
--- refused
"jamhook_events" stands in a location without "jamhook_endpoint", which it belongs to
at jamhook_events a;







=== TEST 22: jamhook_events stands in a location
--- http_config
    jamhook_events a;
--- config
--- refused
"jamhook_events" directive is not allowed here
at jamhook_events







=== TEST 23: a mistake in jamhook_events in an included file
--- user_files
>>> e.conf

jamhook_events *a;
--- config eval: main::audit('include ../html/e.conf;')
--- refused
invalid value "*a" in "jamhook_events"
at e.conf: jamhook_events







=== TEST 24: jamhook_sign needs a file
--- config eval: main::audit('jamhook_sign;')
--- refused
invalid number of arguments in "jamhook_sign" directive
at jamhook_sign







=== TEST 25: an unknown prefix is refused
--- config eval: main::audit('jamhook_sign keys/S1.key prefix=jam;')
--- refused
invalid value "prefix=jam" in "jamhook_sign": it is "prefix=webhook" or "prefix=svix"
at jamhook_sign







=== TEST 26: an unknown parameter is refused
--- config eval: main::audit('jamhook_sign keys/S1.key svix;')
--- refused
invalid value "svix" in "jamhook_sign": it is "prefix=webhook" or "prefix=svix"
at jamhook_sign







=== TEST 27: off has no prefix
--- config eval: main::audit('jamhook_sign off prefix=svix;')
--- refused
invalid value "prefix=svix" in "jamhook_sign": "off" has no parameters
at jamhook_sign







=== TEST 28: there is no third value
--- config eval: main::audit('jamhook_sign keys/S1.key prefix=svix x;')
--- refused
invalid number of arguments in "jamhook_sign" directive
at jamhook_sign







=== TEST 29: jamhook_sign stands once
--- config eval: main::audit('jamhook_sign off;', 'jamhook_sign keys/S1.key;')
--- refused
"jamhook_sign" directive is duplicate
at jamhook_sign keys







=== TEST 30: jamhook_sign belongs to an endpoint
--- config
    location = /x {
        jamhook_sign off;
    }
--- refused
"jamhook_sign" stands in a location without "jamhook_endpoint", which it belongs to
at jamhook_sign







=== TEST 31: jamhook_sign stands in a location
--- config
    jamhook_sign keys/S1.key;
--- refused
"jamhook_sign" directive is not allowed here
at jamhook_sign







=== TEST 32: a mistake in jamhook_sign in an included file
--- user_files
>>> s.conf

jamhook_sign keys/S1.key prefix=;
--- config eval: main::audit('include ../html/s.conf;')
--- refused
invalid value "prefix=" in "jamhook_sign"
at s.conf: jamhook_sign







=== TEST 33: prefix=webhook may be written out
--- config
    $TEST_NGINX_JAM
    location /fin {
        jamhook_endpoint fin;
        jamhook_sign keys/S1.key prefix=webhook;
        proxy_pass http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
--- event: {}
--- answer: 200 delivered
--- target_signed: S1 webhook
--- warned

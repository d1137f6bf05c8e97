# modes: plain san palloc
#
# The values of jamhook_retry, jamhook_final, jamhook_rate, jamhook_disable_after

use lib 't/lib';
use Jamhook;
use Jamhook::Conf;

Test::Nginx::Util::add_block_preprocessor(sub {
    my ($block) = @_;

    $block->set_value('http_config', 'jamhook_store sqlite:conf/store;')
        unless defined $block->http_config;
});

run_tests();

__DATA__

=== TEST 1: jamhook_retry needs a value
--- config
    jamhook_retry;
--- refused
invalid number of arguments in "jamhook_retry" directive
at jamhook_retry







=== TEST 2: jamhook_retry takes times
--- config
    jamhook_retry soon;
--- refused
invalid value "soon" in "jamhook_retry": give times from 1ms to 24d, such as 5s 5m 30m, or "off" alone
at jamhook_retry







=== TEST 3: no empty one
--- config
    jamhook_retry "";
--- refused
invalid value "" in "jamhook_retry": give times from 1ms to 24d, such as 5s 5m 30m, or "off" alone
at jamhook_retry







=== TEST 4: not 0
--- config
    jamhook_retry 0;
--- refused
invalid value "0" in "jamhook_retry": give times from 1ms to 24d, such as 5s 5m 30m, or "off" alone
at jamhook_retry







=== TEST 5: no negative one
--- config
    jamhook_retry -5s;
--- refused
invalid value "-5s" in "jamhook_retry": give times from 1ms to 24d, such as 5s 5m 30m, or "off" alone
at jamhook_retry







=== TEST 6: none over 24d
--- config
    jamhook_retry 24d1ms;
--- refused
invalid value "24d1ms" in "jamhook_retry": give times from 1ms to 24d, such as 5s 5m 30m, or "off" alone
at jamhook_retry







=== TEST 7: none that no integer holds
--- config
    jamhook_retry 99999999999999999999;
--- refused
invalid value "99999999999999999999" in "jamhook_retry": give times from 1ms to 24d, such as 5s 5m 30m, or "off" alone
at jamhook_retry







=== TEST 8: no years
--- config
    jamhook_retry 1y;
--- refused
invalid value "1y" in "jamhook_retry": give times from 1ms to 24d, such as 5s 5m 30m, or "off" alone
at jamhook_retry







=== TEST 9: in any place
--- config
    jamhook_retry 5s 5min 30m;
--- refused
invalid value "5min" in "jamhook_retry": give times from 1ms to 24d, such as 5s 5m 30m, or "off" alone
at jamhook_retry







=== TEST 10: "off" stands alone
--- config
    jamhook_retry off 5s;
--- refused
invalid value "off" in "jamhook_retry": give times from 1ms to 24d, such as 5s 5m 30m, or "off" alone
at jamhook_retry







=== TEST 11: and not at the end
--- config
    jamhook_retry 5s off;
--- refused
invalid value "off" in "jamhook_retry": give times from 1ms to 24d, such as 5s 5m 30m, or "off" alone
at jamhook_retry







=== TEST 12: 65 delays are too many
--- config
    jamhook_retry 1s 2s 3s 4s 5s 6s 7s 8s 9s 10s 11s 12s 13s 14s 15s 16s 17s 18s 19s 20s 21s 22s 23s 24s 25s 26s 27s 28s 29s 30s 31s 32s 33s 34s 35s 36s 37s 38s 39s 40s 41s 42s 43s 44s 45s 46s 47s 48s 49s 50s 51s 52s 53s 54s 55s 56s 57s 58s 59s 60s 61s 62s 63s 64s 65s;
--- refused
invalid value "65s" in "jamhook_retry": it is the 65th delay, and 64 are allowed
at jamhook_retry







=== TEST 13: jamhook_retry stands once
--- config
    jamhook_retry 1s;
    jamhook_retry 2s;
--- refused
"jamhook_retry" directive is duplicate
at jamhook_retry 2s







=== TEST 14: "off" counts as once
--- config
    jamhook_retry off;
    jamhook_retry 2s;
--- refused
"jamhook_retry" directive is duplicate
at jamhook_retry 2s







=== TEST 15: not in "if"
--- config
    location = /x {
        if ($arg_a) {
            jamhook_retry 1s;
        }
    }
--- refused
"jamhook_retry" directive is not allowed here
at jamhook_retry







=== TEST 16: jamhook_final needs a value
--- config
    jamhook_final;
--- refused
invalid number of arguments in "jamhook_final" directive
at jamhook_final







=== TEST 17: jamhook_final takes statuses
--- config
    jamhook_final none;
--- refused
invalid value "none" in "jamhook_final": give statuses from 300 to 599, such as 404 409
at jamhook_final







=== TEST 18: no "off"
--- config
    jamhook_final off;
--- refused
invalid value "off" in "jamhook_final": give statuses from 300 to 599, such as 404 409
at jamhook_final







=== TEST 19: no class of them
--- config
    jamhook_final 4xx;
--- refused
invalid value "4xx" in "jamhook_final": give statuses from 300 to 599, such as 404 409
at jamhook_final







=== TEST 20: none below 300
--- config
    jamhook_final 199;
--- refused
invalid value "199" in "jamhook_final": give statuses from 300 to 599, such as 404 409
at jamhook_final







=== TEST 21: none above 599
--- config
    jamhook_final 600;
--- refused
invalid value "600" in "jamhook_final": give statuses from 300 to 599, such as 404 409
at jamhook_final







=== TEST 22: no zeros before one
--- config
    jamhook_final 0404;
--- refused
invalid value "0404" in "jamhook_final": give statuses from 300 to 599, such as 404 409
at jamhook_final







=== TEST 23: no negative one
--- config
    jamhook_final -404;
--- refused
invalid value "-404" in "jamhook_final": give statuses from 300 to 599, such as 404 409
at jamhook_final







=== TEST 24: no empty one
--- config
    jamhook_final "";
--- refused
invalid value "" in "jamhook_final": give statuses from 300 to 599, such as 404 409
at jamhook_final







=== TEST 25: none that no integer holds
--- config
    jamhook_final 99999999999999999999;
--- refused
invalid value "99999999999999999999" in "jamhook_final": give statuses from 300 to 599, such as 404 409
at jamhook_final







=== TEST 26: no success
--- config
    jamhook_final 200;
--- refused
invalid value "200" in "jamhook_final": a delivery that was answered so has succeeded
at jamhook_final







=== TEST 27: of any kind
--- config
    jamhook_final 404 299;
--- refused
invalid value "299" in "jamhook_final": a delivery that was answered so has succeeded
at jamhook_final







=== TEST 28: 410 ends a delivery anyway
--- config
    jamhook_final 409 410;
--- refused
invalid value "410" in "jamhook_final": a delivery that was answered so has failed at once already
at jamhook_final







=== TEST 29: none twice
--- config
    jamhook_final 404 409 404;
--- refused
invalid value "404" in "jamhook_final": the status is named twice
at jamhook_final







=== TEST 30: jamhook_final stands once
--- config
    jamhook_final 404;
    jamhook_final 409;
--- refused
"jamhook_final" directive is duplicate
at jamhook_final 409







=== TEST 31: jamhook_rate needs a value
--- config
    location = /x {
        jamhook_endpoint x; jamhook_sign off; proxy_pass http://127.0.0.1;
        jamhook_rate;
    }
--- refused
invalid number of arguments in "jamhook_rate" directive
at jamhook_rate







=== TEST 32: jamhook_rate takes a rate
--- config
    location = /x {
        jamhook_endpoint x; jamhook_sign off; proxy_pass http://127.0.0.1;
        jamhook_rate fast;
    }
--- refused
invalid value "fast" in "jamhook_rate": give a number of attempts such as 10r/s or 30r/m, of 1 or more and at most a million a second, or "off"
at jamhook_rate







=== TEST 33: with a unit
--- config
    location = /x {
        jamhook_endpoint x; jamhook_sign off; proxy_pass http://127.0.0.1;
        jamhook_rate 10;
    }
--- refused
invalid value "10" in "jamhook_rate": give a number of attempts such as 10r/s or 30r/m, of 1 or more and at most a million a second, or "off"
at jamhook_rate







=== TEST 34: that it knows
--- config
    location = /x {
        jamhook_endpoint x; jamhook_sign off; proxy_pass http://127.0.0.1;
        jamhook_rate 10r/h;
    }
--- refused
invalid value "10r/h" in "jamhook_rate": give a number of attempts such as 10r/s or 30r/m, of 1 or more and at most a million a second, or "off"
at jamhook_rate







=== TEST 35: and a number
--- config
    location = /x {
        jamhook_endpoint x; jamhook_sign off; proxy_pass http://127.0.0.1;
        jamhook_rate r/s;
    }
--- refused
invalid value "r/s" in "jamhook_rate": give a number of attempts such as 10r/s or 30r/m, of 1 or more and at most a million a second, or "off"
at jamhook_rate







=== TEST 36: not 0
--- config
    location = /x {
        jamhook_endpoint x; jamhook_sign off; proxy_pass http://127.0.0.1;
        jamhook_rate 0r/s;
    }
--- refused
invalid value "0r/s" in "jamhook_rate": give a number of attempts such as 10r/s or 30r/m, of 1 or more and at most a million a second, or "off"
at jamhook_rate







=== TEST 37: no negative one
--- config
    location = /x {
        jamhook_endpoint x; jamhook_sign off; proxy_pass http://127.0.0.1;
        jamhook_rate -1r/s;
    }
--- refused
invalid value "-1r/s" in "jamhook_rate": give a number of attempts such as 10r/s or 30r/m, of 1 or more and at most a million a second, or "off"
at jamhook_rate







=== TEST 38: no fraction
--- config
    location = /x {
        jamhook_endpoint x; jamhook_sign off; proxy_pass http://127.0.0.1;
        jamhook_rate 0.5r/s;
    }
--- refused
invalid value "0.5r/s" in "jamhook_rate": give a number of attempts such as 10r/s or 30r/m, of 1 or more and at most a million a second, or "off"
at jamhook_rate







=== TEST 39: no empty one
--- config
    location = /x {
        jamhook_endpoint x; jamhook_sign off; proxy_pass http://127.0.0.1;
        jamhook_rate "";
    }
--- refused
invalid value "" in "jamhook_rate": give a number of attempts such as 10r/s or 30r/m, of 1 or more and at most a million a second, or "off"
at jamhook_rate







=== TEST 40: no more than a million a second
--- config
    location = /x {
        jamhook_endpoint x; jamhook_sign off; proxy_pass http://127.0.0.1;
        jamhook_rate 1000001r/s;
    }
--- refused
invalid value "1000001r/s" in "jamhook_rate": give a number of attempts such as 10r/s or 30r/m, of 1 or more and at most a million a second, or "off"
at jamhook_rate







=== TEST 41: or 60 million a minute
--- config
    location = /x {
        jamhook_endpoint x; jamhook_sign off; proxy_pass http://127.0.0.1;
        jamhook_rate 60000001r/m;
    }
--- refused
invalid value "60000001r/m" in "jamhook_rate": give a number of attempts such as 10r/s or 30r/m, of 1 or more and at most a million a second, or "off"
at jamhook_rate







=== TEST 42: none that no integer holds
--- config
    location = /x {
        jamhook_endpoint x; jamhook_sign off; proxy_pass http://127.0.0.1;
        jamhook_rate 99999999999999999999r/s;
    }
--- refused
invalid value "99999999999999999999r/s" in "jamhook_rate": give a number of attempts such as 10r/s or 30r/m, of 1 or more and at most a million a second, or "off"
at jamhook_rate







=== TEST 43: nothing behind it
--- config
    location = /x {
        jamhook_endpoint x; jamhook_sign off; proxy_pass http://127.0.0.1;
        jamhook_rate 1r/s,;
    }
--- refused
invalid value "1r/s," in "jamhook_rate": give a number of attempts such as 10r/s or 30r/m, of 1 or more and at most a million a second, or "off"
at jamhook_rate







=== TEST 44: jamhook_rate stands once
--- config
    location = /x {
        jamhook_endpoint x; jamhook_sign off; proxy_pass http://127.0.0.1;
        jamhook_rate off;
        jamhook_rate 1r/s;
    }
--- refused
"jamhook_rate" directive is duplicate
at jamhook_rate 1r/s







=== TEST 45: not in a server
--- config
    jamhook_rate 1r/s;
--- refused
"jamhook_rate" directive is not allowed here
at jamhook_rate







=== TEST 46: only beside an endpoint
--- config
    location = /x {
        jamhook_rate 1r/s;
    }
--- refused
"jamhook_rate" stands in a location without "jamhook_endpoint", which it belongs to
at jamhook_rate







=== TEST 47: "off" too
--- config
    location = /x {
        jamhook_rate off;
    }
--- refused
"jamhook_rate" stands in a location without "jamhook_endpoint", which it belongs to
at jamhook_rate







=== TEST 48: jamhook_disable_after needs a value
--- config
    jamhook_disable_after;
--- refused
invalid number of arguments in "jamhook_disable_after" directive
at jamhook_disable_after







=== TEST 49: jamhook_disable_after takes a time
--- config
    jamhook_disable_after never;
--- refused
invalid value "never" in "jamhook_disable_after": give a time from 1ms to 36500d, such as 5d, or "off"
at jamhook_disable_after







=== TEST 50: not 0
--- config
    jamhook_disable_after 0;
--- refused
invalid value "0" in "jamhook_disable_after": give a time from 1ms to 36500d, such as 5d, or "off"
at jamhook_disable_after







=== TEST 51: no negative one
--- config
    jamhook_disable_after -1d;
--- refused
invalid value "-1d" in "jamhook_disable_after": give a time from 1ms to 36500d, such as 5d, or "off"
at jamhook_disable_after







=== TEST 52: no empty one
--- config
    jamhook_disable_after "";
--- refused
invalid value "" in "jamhook_disable_after": give a time from 1ms to 36500d, such as 5d, or "off"
at jamhook_disable_after







=== TEST 53: at most 36500d
--- config
    jamhook_disable_after 36501d;
--- refused
invalid value "36501d" in "jamhook_disable_after": give a time from 1ms to 36500d, such as 5d, or "off"
at jamhook_disable_after







=== TEST 54: none that no integer holds
--- config
    jamhook_disable_after 99999999999999999999;
--- refused
invalid value "99999999999999999999" in "jamhook_disable_after": give a time from 1ms to 36500d, such as 5d, or "off"
at jamhook_disable_after







=== TEST 55: jamhook_disable_after stands once
--- config
    jamhook_disable_after off;
    jamhook_disable_after 1d;
--- refused
"jamhook_disable_after" directive is duplicate
at jamhook_disable_after 1d







=== TEST 56: all are taken at all their levels
--- http_config
    jamhook_store sqlite:conf/store;
    jamhook_retry 1ms;
    jamhook_final 300 599;
    jamhook_disable_after 1ms;
--- config
    jamhook_retry 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d 24d;
    jamhook_final 404 409;
    jamhook_disable_after 36500d;
    location = /x {
        jamhook_endpoint x; jamhook_sign off; proxy_pass http://127.0.0.1;
        jamhook_retry off;
        jamhook_final 429 503;
        jamhook_disable_after off;
        jamhook_rate 1000000r/s;
        if ($arg_a) { set $a 1; }
    }
    location = /y {
        jamhook_endpoint y; jamhook_sign off; proxy_pass http://127.0.0.1;
        jamhook_retry 1 1d12h 5m30s;
        jamhook_rate 1r/m;
    }
    location = /z {
        jamhook_endpoint z; jamhook_sign off; proxy_pass http://127.0.0.1;
        jamhook_rate off;
    }
--- warned

# A target that asks for patience: 503 to the sender, with its Retry-After.

use lib 't/lib';
use Jamhook;
use Jamhook::Relay;

use POSIX ();

# --- wait_between: the least and the most seconds of the answer's Retry-After
add_block_preprocessor(sub {
    my ($block) = @_;

    my ($from, $to) = split ' ', $block->wait_between || '' or return;

    no warnings 'once';
    $block->set_value('response_headers_like', 'Retry-After: (?:'
                      . join('|', $from .. $to) . ')');
});

sub date {
    my ($at) = @_;
    local $ENV{LC_ALL} = 'C';
    return POSIX::strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime $at);
}

run_tests();

__DATA__

=== TEST 1: 429 is 503 to the sender
--- endpoint
proxy_pass http://TARGET/a;
--- target
429
--- answer: 503 unavailable
--- response_headers
Retry-After: 5


=== TEST 2: 503 is 503 to the sender
--- endpoint
proxy_pass http://TARGET/a;
--- target
503
--- answer: 503 unavailable
--- response_headers
Retry-After: 5


=== TEST 3: Retry-After of a 429 goes on
--- endpoint
proxy_pass http://TARGET/a;
--- target
429 "Retry-After: 77"
--- answer: 503 unavailable
--- response_headers
Retry-After: 77


=== TEST 4: Retry-After of a 503 goes on
--- endpoint
proxy_pass http://TARGET/a;
--- target
503 "Retry-After: 78"
--- answer: 503 unavailable
--- response_headers
Retry-After: 78


=== TEST 5: Retry-After of another status means nothing
--- endpoint
proxy_pass http://TARGET/a;
--- target
500 "Retry-After: 77"
--- answer: 502 delivery_failed
--- response_headers
! Retry-After


=== TEST 6: a header's name in another letter case counts
--- endpoint
proxy_pass http://TARGET/a;
--- target
429 "retry-after: 79"
--- answer: 503 unavailable
--- response_headers
Retry-After: 79


=== TEST 7: Retry-After as a date counts
--- endpoint
proxy_pass http://TARGET/a;
--- target eval
'429 "Retry-After: ' . main::date(time + 100) . '"'
--- answer: 503 unavailable
--- wait_between: 90 100


=== TEST 8: a date that has passed is no wait
--- endpoint
proxy_pass http://TARGET/a;
--- target
429 "Retry-After: Tue, 09 Sep 2025 12:00:00 GMT"
--- answer: 503 unavailable
--- response_headers
Retry-After: 0


=== TEST 9: garbage in Retry-After is none
--- endpoint
proxy_pass http://TARGET/a;
--- target
429 "Retry-After: soon"
--- answer: 503 unavailable
--- response_headers
Retry-After: 5


=== TEST 10: a negative Retry-After is none
--- endpoint
proxy_pass http://TARGET/a;
--- target
429 "Retry-After: -77"
--- answer: 503 unavailable
--- response_headers
Retry-After: 5


=== TEST 11: a huge Retry-After is cut to ten hours
--- endpoint
proxy_pass http://TARGET/a;
--- target
503 "Retry-After: 99999999999999999999999999"
--- answer: 503 unavailable
--- response_headers
Retry-After: 36000


=== TEST 12: X-RateLimit-Reset goes on as seconds
--- endpoint
proxy_pass http://TARGET/a;
--- target eval
'429 "X-RateLimit-Limit: 1" "X-RateLimit-Reset: ' . (time + 60) . '"'
--- answer: 503 unavailable
--- wait_between: 50 60


=== TEST 13: X-RateLimit-Reset of a 503 goes on
--- endpoint
proxy_pass http://TARGET/a;
--- target eval
'503 "X-RateLimit-Reset: ' . (time + 60) . '"'
--- answer: 503 unavailable
--- wait_between: 50 60


=== TEST 14: garbage in X-RateLimit-Reset is none
--- endpoint
proxy_pass http://TARGET/a;
--- target
429 "X-RateLimit-Reset: tomorrow"
--- answer: 503 unavailable
--- response_headers
Retry-After: 5


=== TEST 15: the longer of the two counts: X-RateLimit-Reset
--- endpoint
proxy_pass http://TARGET/a;
--- target eval
'429 "Retry-After: 7" "X-RateLimit-Reset: ' . (time + 60) . '"'
--- answer: 503 unavailable
--- wait_between: 50 60


=== TEST 16: the longer of the two counts: Retry-After
--- endpoint
proxy_pass http://TARGET/a;
--- target eval
'429 "Retry-After: 90" "X-RateLimit-Reset: ' . (time + 60) . '"'
--- answer: 503 unavailable
--- response_headers
Retry-After: 90


=== TEST 17: the longest of all endpoints' counts
--- endpoint
proxy_pass http://TARGET/a;
--- fin
proxy_pass http://TARGET/b;
--- target
/a 429 "Retry-After: 11"
/b 503 "Retry-After: 66"
--- answer: 503 unavailable
--- response_headers
Retry-After: 66


=== TEST 18: it counts when that endpoint answers first
--- endpoint
proxy_pass http://TARGET/a;
--- fin
proxy_pass http://TARGET/b;
--- target
/a 429 "Retry-After: 11" delay=200ms
/b 503 "Retry-After: 66"
--- answer: 503 unavailable
--- response_headers
Retry-After: 66


=== TEST 19: it counts with proxy_intercept_errors
--- endpoint
proxy_intercept_errors on;
proxy_pass http://TARGET/a;
--- target
429 "Retry-After: 77"
--- answer: 503 unavailable
--- response_headers
Retry-After: 77


=== TEST 20: a header that proxy_hide_header hides counts
--- endpoint
proxy_hide_header Retry-After;
proxy_pass http://TARGET/a;
--- target
429 "Retry-After: 77"
--- answer: 503 unavailable
--- response_headers
Retry-After: 77


=== TEST 21: a Retry-After among many headers is found
--- endpoint
proxy_buffer_size 16k;
proxy_buffers 4 16k;
proxy_busy_buffers_size 16k;
proxy_pass http://TARGET/a;
--- target eval
my @more = map { qq("X-H$_: $_") } 1 .. 60;
qq(429 @more "Retry-After: 76")
--- answer: 503 unavailable
--- response_headers
Retry-After: 76


=== TEST 22: the next event is tried at once without a store
--- endpoint
proxy_pass http://TARGET/a;
--- config
location = /twice {
    mirror /jam;
    jamhook_pass e;
    jamhook_verify keys/P1.key;
}
--- target
429 "Retry-After: 77"
--- event_with: uri=/twice
--- answer: 503 unavailable
--- target_count: 2

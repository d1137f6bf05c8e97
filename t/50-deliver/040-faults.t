# Targets that do not answer, or not in HTTP.

use lib 't/lib';
use Jamhook;
use Jamhook::Relay;

use IO::Socket::INET;

# a listener that takes no more connections: whoever connects waits
our ($full, @in_it);

BEGIN {
    $full = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1);
    $ENV{TEST_NGINX_FULL_PORT} = $full->sockport;

    @in_it = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                         PeerPort => $full->sockport,
                                         Blocking => 0) } 1 .. 4;
}

# a target that stops within its headers, and then closes or stays
my $cutter;

BEGIN {
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
                                         Listen => 16);
    $ENV{TEST_NGINX_CUT_PORT} = $listener->sockport;

    $cutter = fork;
    die "fork: $!" unless defined $cutter;

    if ($cutter == 0) {
        my @stay;
        alarm 300;

        while (my $s = $listener->accept) {
            sysread $s, my $request, 65536;
            syswrite $s, "HTTP/1.1 200 OK\r\nContent-Type: te";
            push @stay, $s if $request =~ m{^POST /stay};
        }
    }
}

END { local $?; kill 'KILL', $cutter if $cutter }

run_tests();

__DATA__

=== TEST 1: nobody listens
--- endpoint
proxy_pass http://REFUSED/a;
--- event_with: id=msg_1
--- answer: 502 delivery_failed
--- response_body_like
\\"e\\".*connect
--- log
~ jamhook delivery failed: connect, endpoint: "e", event: "msg_1"


=== TEST 2: nobody listens, and the location has a second try for that
--- endpoint
proxy_next_upstream error non_idempotent;
proxy_pass http://REFUSED/a;
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: connect


=== TEST 3: a connection that does not come about
--- endpoint
proxy_connect_timeout 200ms;
proxy_pass http://127.0.0.1:$TEST_NGINX_FULL_PORT/a;
--- answer: 504 delivery_failed
--- log
jamhook delivery failed: timeout


=== TEST 4: a connection that does not come about within jamhook_timeout
--- endpoint
jamhook_timeout 200ms;
proxy_pass http://127.0.0.1:$TEST_NGINX_FULL_PORT/a;
--- answer: 504 delivery_failed
--- log
jamhook delivery failed: timeout


=== TEST 5: the target closes without an answer
--- endpoint
proxy_pass http://TARGET/a;
--- target
close
--- answer: 502 delivery_failed
--- target_count: 1
--- log
jamhook delivery failed: invalid


=== TEST 6: the target resets without an answer
--- endpoint
proxy_pass http://TARGET/a;
--- target
reset
--- answer: 502 delivery_failed
--- target_count: 1
--- log
jamhook delivery failed: invalid


=== TEST 7: the target answers no HTTP
--- endpoint
proxy_pass http://TARGET/a;
--- target
garbage
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: invalid


=== TEST 8: the target answers with a header that cannot be
--- endpoint
proxy_pass http://TARGET/a;
--- target eval
qq{200 "X-Zero: a\0b"}
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: invalid


=== TEST 9: the target's headers are too large
--- endpoint
proxy_pass http://TARGET/a;
--- target eval
'200 "X-Large: ' . ('x' x 100000) . '"'
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: invalid


=== TEST 10: an answer that breaks off within its headers is none
--- endpoint
proxy_pass http://127.0.0.1:$TEST_NGINX_CUT_PORT/cut;
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: invalid


=== TEST 11: headers that never end are no answer
--- endpoint
jamhook_timeout 300ms;
proxy_pass http://127.0.0.1:$TEST_NGINX_CUT_PORT/stay;
--- answer: 504 delivery_failed
--- log
jamhook delivery failed: timeout


=== TEST 12: the target reads and does not answer
--- endpoint
jamhook_timeout 300ms;
proxy_pass http://TARGET/a;
--- target
hang
--- event_with: id=msg_11
--- answer: 504 delivery_failed
--- response_body_like
\\"e\\".*timeout
--- target_count: 1
--- log
~ jamhook delivery failed: timeout, endpoint: "e", event: "msg_11"


=== TEST 13: the target does not read
--- endpoint
jamhook_timeout 300ms;
proxy_pass http://TARGET/a;
--- target
deaf
--- answer: 504 delivery_failed
--- log
jamhook delivery failed: timeout


=== TEST 14: the target does not read a large body
--- endpoint
jamhook_timeout 300ms;
proxy_pass http://TARGET/a;
--- target
deaf
--- event eval
'{"a":"' . ('x' x 8000000) . '"}'
--- answer: 504 delivery_failed
--- log
jamhook delivery failed: timeout


=== TEST 15: nginx's own timeout is a timeout too
--- endpoint
proxy_read_timeout 200ms;
proxy_pass http://TARGET/a;
--- target
hang
--- answer: 504 delivery_failed
--- log
jamhook delivery failed: timeout


=== TEST 16: nginx's own timeout for a large body
--- endpoint
proxy_send_timeout 200ms;
proxy_pass http://TARGET/a;
--- target
deaf
--- event eval
'{"a":"' . ('x' x 8000000) . '"}'
--- answer: 504 delivery_failed
--- log
jamhook delivery failed: timeout


=== TEST 17: an answer within jamhook_timeout is in time
--- endpoint
jamhook_timeout 3s;
proxy_pass http://TARGET/a;
--- target
200 delay=300ms
--- answer: 200 delivered


=== TEST 18: jamhook_timeout of the server counts where the location has none
--- config
jamhook_timeout 300ms;
location = /jam { jamhook_pass e; jamhook_verify keys/P1.key; }
location = /e { jamhook_endpoint e; jamhook_sign off; proxy_pass http://TARGET/a; }
--- event
{"a":1}
--- target
hang
--- answer: 504 delivery_failed


=== TEST 19: jamhook_timeout of the ingest location does not count
--- config
location = /jam {
    jamhook_pass e;
    jamhook_verify keys/P1.key;
    jamhook_timeout 100ms;
}
location = /e { jamhook_endpoint e; jamhook_sign off; proxy_pass http://TARGET/a; }
--- event
{"a":1}
--- target
200 delay=500ms
--- answer: 200 delivered


=== TEST 20: jamhook_timeout is for the attempt in all
--- endpoint
jamhook_timeout 2s;
proxy_pass http://TARGET/a;
--- target
503 slow=200ms body=0123456789012345678901234567890123456789
--- answer: 503 unavailable
--- timeout: 6


=== TEST 21: an answer that breaks off with a reset was an answer
--- endpoint
proxy_pass http://TARGET/a;
--- target
200 half
--- answer: 200 delivered


=== TEST 22: an answer that breaks off was an answer
--- endpoint
proxy_pass http://TARGET/a;
--- target
500 short
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: target answered 500


=== TEST 23: an answer whose body never ends was an answer
--- endpoint
jamhook_timeout 2s;
proxy_pass http://TARGET/a;
--- target
200 "Content-Length: 1000" body=x
--- answer: 200 delivered


=== TEST 24: chunks that are none break the answer off
--- endpoint
proxy_http_version 1.1;
proxy_pass http://TARGET/a;
--- target
200 "Transfer-Encoding: chunked" body=zzz finish
--- answer: 200 delivered

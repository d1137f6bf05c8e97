# Bodies: how they come in makes no difference to what is verified and sent.

use lib 't/lib';
use Jamhook;
use Jamhook::Conf;

Jamhook::Conf::config(q{
    location = /jam { jamhook_pass audit; jamhook_verify keys/P1.key; }
    location = /small-buffer {
        jamhook_pass             audit;
        jamhook_verify           keys/P1.key;
        client_body_buffer_size  1k;
    }
    location = /file {
        jamhook_pass              audit;
        jamhook_verify            keys/P1.key;
        client_body_in_file_only  clean;
    }
    location = /single {
        jamhook_pass                  audit;
        jamhook_verify                keys/P1.key;
        client_body_in_single_buffer  on;
    }
    location = /unbuffered {
        jamhook_pass             audit;
        jamhook_verify           keys/P1.key;
        proxy_request_buffering  off;
    }
    location = /limit {
        jamhook_pass          audit;
        jamhook_verify        keys/P1.key;
        client_max_body_size  1k;
    }
    location = /any {
        jamhook_pass             audit;
        jamhook_verify           keys/P1.key;
        client_max_body_size     0;
        client_body_buffer_size  1k;
    }
    location = /unsigned { jamhook_pass audit; jamhook_verify off; }
    location = /audit {
        jamhook_endpoint  audit;
        jamhook_sign      keys/S1.key;
        proxy_pass        http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
});

# a body of this size, with bytes that are not ASCII
sub body {
    my ($size) = @_;

    my $text = "{\"a\":\"\xc3\xa4\xe2\x82\xac";

    return $text . 'x' x ($size - length($text) - 2) . '"}';
}

# the target has it, byte for byte and signed
sub received {
    my ($size) = @_;

    return sub {
        Test::More::is(scalar @_, 1, 'one request');
        Test::More::ok($_[0]{body} eq body($size), "its $size bytes");
        Test::More::is(Jamhook::Sign::fault($_[0], 'webhook', 'S1'), undef,
                       'its signature');
    };
}

run_tests();

__DATA__

=== TEST 1: a body that comes with the headers
--- event eval: main::body(100)
--- answer: 200 delivered
--- target_check eval: main::received(100)







=== TEST 2: one that comes in many packets
--- event eval: main::body(1000)
--- event_with: packets=5
--- raw_request_middle_delay: 0.01
--- answer: 200 delivered
--- target_check eval: main::received(1000)







=== TEST 3: one that fills more than one buffer
--- event eval: main::body(50000)
--- answer: 200 delivered
--- target_check eval: main::received(50000)







=== TEST 4: one that is chunked
--- event eval: main::body(1000)
--- event_with: chunked=7
--- answer: 200 delivered
--- target_check eval: main::received(1000)







=== TEST 5: one that is chunked into many buffers
--- event eval: main::body(100000)
--- event_with: chunked=5000
--- answer: 200 delivered
--- target_check eval: main::received(100000)







=== TEST 6: one in a temporary file
--- event eval: main::body(20000)
--- event_with: uri=/small-buffer
--- answer: 200 delivered
--- target_check eval: main::received(20000)
--- log
a client request body is buffered to a temporary file







=== TEST 7: a chunked one in a temporary file
--- event eval: main::body(20000)
--- event_with: uri=/small-buffer chunked=999
--- answer: 200 delivered
--- target_check eval: main::received(20000)
--- log
a client request body is buffered to a temporary file







=== TEST 8: a small one in a file because the configuration says so
--- event eval: main::body(100)
--- event_with: uri=/file
--- answer: 200 delivered
--- target_check eval: main::received(100)







=== TEST 9: a large one in a file because the configuration says so
--- event eval: main::body(100000)
--- event_with: uri=/file
--- answer: 200 delivered
--- target_check eval: main::received(100000)







=== TEST 10: an empty one where files are wanted
--- event:
--- event_with: uri=/file
--- answer: 400 body_invalid







=== TEST 11: a changed body in a temporary file is found out
--- event eval: main::body(20000)
--- event_with eval: "uri=/small-buffer signature='" . Jamhook::Sign::token('P1', 'msg_1', time, main::body(20001)) . "' id=msg_1"
--- answer: 401 signature_invalid
--- target_count: 0







=== TEST 12: one in a single buffer because the configuration says so
--- event eval: main::body(30000)
--- event_with: uri=/single
--- answer: 200 delivered
--- target_check eval: main::received(30000)







=== TEST 13: proxy_request_buffering off changes nothing
--- event eval: main::body(30000)
--- event_with: uri=/unbuffered packets=3
--- answer: 200 delivered
--- target_check eval: main::received(30000)







=== TEST 14: 1 MB
--- event eval: main::body(1048576)
--- answer: 200 delivered
--- target_check eval: main::received(1048576)







=== TEST 15: 1 MB, chunked
--- event eval: main::body(1048576)
--- event_with: chunked=65536
--- answer: 200 delivered
--- target_check eval: main::received(1048576)







=== TEST 16: 0 bytes, by Content-Length
--- event:
--- answer: 400 body_invalid
--- target_count: 0







=== TEST 17: 0 bytes, chunked
--- event:
--- event_with: chunked=1
--- answer: 400 body_invalid
--- target_count: 0







=== TEST 18: no body at all
--- event:
--- event_with: without=content-length
--- answer: 400 body_invalid
--- target_count: 0







=== TEST 19: no body where nobody signs
--- event:
--- event_with: uri=/unsigned without=content-length key=none
--- answer: 400 body_invalid
--- target_count: 0







=== TEST 20: as large as client_max_body_size
--- event eval: main::body(1024)
--- event_with: uri=/limit
--- answer: 200 delivered
--- target_check eval: main::received(1024)







=== TEST 21: larger, by Content-Length
--- event eval: main::body(1025)
--- event_with: uri=/limit
--- error_code: 413
--- target_count: 0







=== TEST 22: as large, chunked
--- event eval: main::body(1024)
--- event_with: uri=/limit chunked=100
--- answer: 200 delivered
--- target_check eval: main::received(1024)







=== TEST 23: larger, chunked, in one packet
--- event eval: main::body(1025)
--- event_with: uri=/limit chunked=2000
--- error_code: 413
--- target_count: 0







=== TEST 24: larger, chunked, in packets
--- raw_request eval
my $request = Jamhook::event(body => main::body(2000), chunked => 300, with => 'uri=/limit');
[unpack '(a700)*', $request]
--- raw_request_middle_delay: 0.02
--- error_code: 413
--- target_count: 0







=== TEST 25: without a limit in nginx ours is 16 MB
--- event eval: main::body(16 * 1024 * 1024)
--- event_with: uri=/any signature=v1,x
--- answer: 401 signature_invalid







=== TEST 26: and a byte more is too large
--- event eval: main::body(16 * 1024 * 1024 + 1)
--- event_with: uri=/any signature=v1,x
--- answer: 413 body_too_large
--- target_count: 0







=== TEST 27: HTTP/1.0
--- raw_request eval: Jamhook::event(body => '{}') =~ s/HTTP\/1.1/HTTP\/1.0/r
--- answer: 200 delivered
--- target_count: 1







=== TEST 28: a body of odd bytes is hashed as it is
--- event eval: "{\"a\":\"\xf0\x9f\x98\x80 \xc2\x80 \x7f \\u00e9\"}\r\n \t\n\n"
--- answer: 200 delivered
--- target_check eval
sub { Test::More::is($_[0]{body}, "{\"a\":\"\xf0\x9f\x98\x80 \xc2\x80 \x7f \\u00e9\"}\r\n \t\n", 'the bytes') }

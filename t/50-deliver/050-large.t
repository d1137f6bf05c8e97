# What is kept of an answer: 16 KiB, and no temporary file for the rest.

use lib 't/lib';
use Jamhook;
use Jamhook::Relay;

# the directory of proxy_temp_path, where nginx makes others as it needs them
sub temporary { return glob "$ENV{TEST_NGINX_SERVROOT}/proxy_temp/*" }

add_block_preprocessor(sub {
    my ($block) = @_;

    $block->set_value('log_level', 'debug') if defined $block->log;
    $block->set_value('target_check', ($block->target_check || '')
                      . "is(temporary(), undef, 'no temporary file');");
});

run_tests();

__DATA__

=== TEST 1: a small answer is kept whole
--- endpoint
proxy_pass http://TARGET/a;
--- target
200 bytes=100
--- answer: 200 delivered
--- log
jamhook response: status:200 error:0 kept:100 of:100


=== TEST 2: an empty answer
--- endpoint
proxy_pass http://TARGET/a;
--- target
200 bytes=0
--- answer: 200 delivered
--- log
jamhook response: status:200 error:0 kept:0 of:0


=== TEST 3: 16 KiB are kept whole
--- endpoint
proxy_pass http://TARGET/a;
--- target
200 bytes=16k
--- answer: 200 delivered
--- log
kept:16384 of:16384


=== TEST 4: one byte more is let go
--- endpoint
proxy_pass http://TARGET/a;
--- target
200 bytes=16385
--- answer: 200 delivered
--- log
kept:16384 of:16385


=== TEST 5: megabytes are let go
--- endpoint
proxy_pass http://TARGET/a;
--- target
200 bytes=5M
--- answer: 200 delivered
--- log
kept:16384 of:5242880


=== TEST 6: megabytes of an error
--- endpoint
proxy_pass http://TARGET/a;
--- target
500 bytes=5M
--- answer: 502 delivery_failed
--- log
status:500 error:0 kept:16384 of:5242880


=== TEST 7: megabytes in chunks
--- endpoint
proxy_http_version 1.1;
proxy_pass http://TARGET/a;
--- target
200 bytes=5M chunked
--- answer: 200 delivered
--- log
kept:16384 of:5242880


=== TEST 8: megabytes of HTTP/1.0
--- endpoint
proxy_pass http://TARGET/a;
--- target
200 bytes=5M http10
--- answer: 200 delivered
--- log
kept:16384 of:5242880


=== TEST 9: with proxy_buffering off
--- endpoint
proxy_buffering off;
proxy_pass http://TARGET/a;
--- target
200 bytes=5M
--- answer: 200 delivered
--- log
kept:16384 of:5242880


=== TEST 10: with small buffers and a limit for temporary files
--- endpoint
proxy_buffers 2 4k;
proxy_busy_buffers_size 4k;
proxy_max_temp_file_size 1m;
proxy_temp_file_write_size 8k;
proxy_pass http://TARGET/a;
--- target
200 bytes=5M
--- answer: 200 delivered
--- log
kept:16384 of:5242880


=== TEST 11: with gzip, which has nothing to do here
--- endpoint
gzip on;
gzip_types *;
proxy_pass http://TARGET/a;
--- target
200 bytes=1M
--- answer: 200 delivered
--- log
kept:16384 of:1048576


=== TEST 12: with proxy_limit_rate
--- endpoint
proxy_limit_rate 10m;
proxy_pass http://TARGET/a;
--- target
200 bytes=1M
--- answer: 200 delivered


=== TEST 13: an answer with many headers
--- endpoint
proxy_buffer_size 32k;
proxy_buffers 4 32k;
proxy_busy_buffers_size 32k;
proxy_pass http://TARGET/a;
--- target eval
my @more = map { qq("X-H$_: ) . ('x' x 200) . '"' } 1 .. 100;
"200 bytes=100k @more"
--- answer: 200 delivered
--- log
kept:16384 of:102400


=== TEST 14: several at once
--- endpoint
proxy_pass http://TARGET/a;
--- fin
proxy_pass http://TARGET/b;
--- target
200 bytes=3M
--- answer: 200 delivered
--- target_count: 2

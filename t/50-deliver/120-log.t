# A delivery's own lines in error.log: endpoint, event, peer; never the URI at
# the target, which is a password, and never the conversation.

use lib 't/lib';
use Jamhook;
use Jamhook::Relay;

add_block_preprocessor(sub {
    my ($block) = @_;

    $block->set_value('event_with', 'id=msg_1')
        unless defined $block->event_with;
    $block->set_value('event', '{"conversationId":"215470686832743",'
                      . '"jamId":"jam-77","jamUrl":"https://jam.dev/c/77"}');

    # of everything that is a secret, nothing, whatever happens
    $block->set_value('no_log', "s3cr3t\n215470686832743\njam-77\njam.dev\n"
                      . "whsec\nv1,\n" . ($block->no_log || ''));
});

run_tests();

__DATA__

=== TEST 1: a delivery that succeeded
--- fin
proxy_pass http://TARGET/s3cr3t;
--- answer: 200 delivered
--- log
~ \[info\] .* jamhook delivered: target answered 200, endpoint: "fin", event: "msg_1", peer: "127\.0\.0\.1:\d+"$


=== TEST 2: a target that answered no
--- fin
proxy_pass http://TARGET/s3cr3t;
--- target
500 body=s3cr3t
--- answer: 502 delivery_failed
--- log
~ \[error\] .* jamhook delivery failed: target answered 500, endpoint: "fin", event: "msg_1", peer: "127\.0\.0\.1:\d+"$


=== TEST 3: nobody listens
--- fin
proxy_pass http://REFUSED/s3cr3t;
--- answer: 502 delivery_failed
--- log
~ connect\(\) failed .*Connection refused.*endpoint: "fin", event: "msg_1", peer:
~ jamhook delivery failed: connect, endpoint: "fin", event: "msg_1", peer:


=== TEST 4: several servers that refuse
--- http_config
upstream u { server REFUSED; server 127.0.0.1:$TEST_NGINX_REFUSED_PORT; }
--- fin
proxy_pass http://u/s3cr3t;
--- answer: 502 delivery_failed
--- log
~ connect\(\) failed .*endpoint: "fin", event: "msg_1"


=== TEST 5: a reset
--- fin
proxy_pass http://TARGET/s3cr3t;
--- target
reset
--- answer: 502 delivery_failed
--- log
~ Connection reset by peer.*endpoint: "fin", event: "msg_1", peer:
~ jamhook delivery failed: invalid, endpoint: "fin", event: "msg_1"


=== TEST 6: closed without an answer
--- fin
proxy_pass http://TARGET/s3cr3t;
--- target
close
--- answer: 502 delivery_failed
--- log
~ upstream prematurely closed connection.*endpoint: "fin", event: "msg_1", peer:


=== TEST 7: a timeout of jamhook's
--- fin
jamhook_timeout 200ms;
proxy_pass http://TARGET/s3cr3t;
--- target
hang
--- answer: 504 delivery_failed
--- log
~ jamhook delivery failed: timeout, endpoint: "fin", event: "msg_1", peer:


=== TEST 8: a timeout of nginx's
--- fin
proxy_read_timeout 200ms;
proxy_pass http://TARGET/s3cr3t;
--- target
hang
--- answer: 504 delivery_failed
--- log
~ upstream timed out.*endpoint: "fin", event: "msg_1", peer:


=== TEST 9: garbage
--- fin
proxy_pass http://TARGET/s3cr3t;
--- target
garbage
--- answer: 502 delivery_failed
--- log
~ jamhook delivery failed: invalid, endpoint: "fin"


=== TEST 10: headers that are too large
--- fin
proxy_pass http://TARGET/s3cr3t;
--- target eval
'200 "X-Large: ' . ('s3cr3t' x 10000) . '"'
--- answer: 502 delivery_failed
--- log
~ upstream sent too big header.*endpoint: "fin", event: "msg_1"


=== TEST 11: half an answer
--- fin
proxy_pass http://TARGET/s3cr3t;
--- target
200 half
--- answer: 200 delivered
--- log
~ endpoint: "fin", event: "msg_1"


=== TEST 12: answered by nginx
--- fin
return 204;
proxy_pass http://TARGET/s3cr3t;
--- answer: 502 delivery_failed
--- log
~ jamhook delivery failed: answered by nginx with 204.*endpoint: "fin", event: "msg_1"


=== TEST 13: rewrite_log says no more
--- fin
set $secret s3cr3t;
rewrite ^/fin/(.*)$ /v2/$1 break;
proxy_pass http://TARGET;
--- answer: 200 delivered


=== TEST 14: a misconfigured URL
--- at: /fin/
--- fin
proxy_pass http://TARGET/s3cr3t;
--- answer: 502 delivery_failed
--- log
~ \[error\] .* jamhook delivery misconfigured: .*, endpoint: "fin", event: "msg_1"


=== TEST 15: a misconfigured URL with variables
--- fin
set $path s3cr3t;
proxy_pass http://TARGET/$path;
--- answer: 502 delivery_failed
--- log
~ jamhook delivery misconfigured: .*, endpoint: "fin", event: "msg_1"


=== TEST 16: a name that cannot be resolved
--- fin
set $path s3cr3t;
set $name a.test;
proxy_pass http://$name/$path/$jamhook_conversation_id;
--- answer: 502 delivery_failed
--- log
~ jamhook delivery failed: resolve, endpoint: "fin", event: "msg_1"


=== TEST 17: a certificate that is not trusted
--- http_config
server {
    listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1 ssl;
    ssl_certificate $TEST_NGINX_CRT;
    ssl_certificate_key $TEST_NGINX_CRT_KEY;
    return 200;
}
--- fin
proxy_ssl_verify on;
proxy_ssl_name other.example;
proxy_ssl_trusted_certificate $TEST_NGINX_CRT;
proxy_pass https://127.0.0.1:$TEST_NGINX_RAND_PORT_1/s3cr3t;
--- answer: 502 delivery_failed
--- log
~ upstream SSL certificate does not match.*endpoint: "fin", event: "msg_1", peer:


=== TEST 18: a body in a temporary file
--- config
location = /jam {
    client_body_in_file_only clean;
    client_body_buffer_size 1k;
    jamhook_pass fin;
    jamhook_verify keys/P1.key;
}
location /fin {
    jamhook_endpoint fin;
    jamhook_connector intercom_fin;
    jamhook_sign keys/S1.key;
    proxy_pass http://TARGET/s3cr3t;
}
--- answer: 200 delivered
--- log
~ jamhook delivered: .*endpoint: "fin", event: "msg_1"


=== TEST 19: megabytes
--- fin
proxy_pass http://TARGET/s3cr3t;
--- target
200 bytes=3M
--- answer: 200 delivered
--- no_log
temporary file


=== TEST 20: several attempts of several events are told apart
--- fin
proxy_pass http://TARGET/s3cr3t;
--- config
location = /twice {
    mirror /again;
    jamhook_pass fin;
    jamhook_verify keys/P1.key;
}
location = /again {
    jamhook_pass fin;
    jamhook_verify off;
}
--- event_with: uri=/twice id=msg_2
--- answer: 200 delivered
--- target_count: 2
--- log
~ jamhook delivered: .*endpoint: "fin", event: "msg_2"


=== TEST 21: the endpoint's own error_log gets its lines
--- config
error_log logs/other.log info;
location = /jam { jamhook_pass fin; jamhook_verify keys/P1.key; }
location /fin {
    error_log logs/error.log info;
    jamhook_endpoint fin;
    jamhook_connector intercom_fin;
    jamhook_sign off;
    proxy_pass http://TARGET/s3cr3t;
}
--- answer: 200 delivered
--- log
~ jamhook delivered: .*endpoint: "fin", event: "msg_1"


=== TEST 22: a level above info keeps success to itself
--- config
location = /jam { jamhook_pass fin; jamhook_verify keys/P1.key; }
location /fin {
    error_log logs/error.log error;
    jamhook_endpoint fin;
    jamhook_connector intercom_fin;
    jamhook_sign off;
    proxy_pass http://TARGET/s3cr3t;
}
--- answer: 200 delivered
--- no_log
jamhook delivered


=== TEST 23: a URL with variables whose host is missing
--- fin
set $intercom "";
proxy_pass http://$intercom/s3cr3t/$jamhook_conversation_id;
--- answer: 502 delivery_failed
--- log
~ jamhook delivery failed: misconfigured, endpoint: "fin", event: "msg_1"

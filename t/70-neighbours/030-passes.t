# Endpoints that are reached by other modules than proxy_pass.

use lib 't/lib';
use Jamhook;
use Jamhook::Relay;

run_tests();

__DATA__

=== TEST 1: fastcgi_pass to nobody
--- endpoint
fastcgi_pass REFUSED;
--- event_with: id=msg_1
--- answer: 502 delivery_failed
--- log
~ jamhook delivery failed: connect, endpoint: "e", event: "msg_1"


=== TEST 2: uwsgi_pass to nobody
--- endpoint
uwsgi_pass REFUSED;
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: connect


=== TEST 3: scgi_pass to nobody
--- endpoint
scgi_pass REFUSED;
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: connect


=== TEST 4: grpc_pass to nobody
--- endpoint
grpc_pass REFUSED;
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: connect


=== TEST 5: memcached_pass to nobody
--- endpoint
set $memcached_key a;
memcached_pass REFUSED;
--- answer: 502 delivery_failed
--- no_log
jamhook delivered


=== TEST 6: fastcgi_pass to a target that speaks HTTP
--- endpoint
fastcgi_pass TARGET;
jamhook_timeout 300ms;
--- answer: 504 delivery_failed


=== TEST 7: uwsgi_pass to a target that does not know it
--- http_config
server { listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1; return 200; }
--- endpoint
uwsgi_pass 127.0.0.1:$TEST_NGINX_RAND_PORT_1;
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: target answered 400


=== TEST 8: grpc_pass to a target that speaks HTTP/2
--- http_config
server {
    listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1 http2;
    location / { proxy_pass http://TARGET; }
}
--- endpoint
jamhook_sign keys/S1.key;
grpc_pass grpc://127.0.0.1:$TEST_NGINX_RAND_PORT_1;
--- answer: 200 delivered
--- target_requests eval
"POST /e $Jamhook::Relay::EVENT"
--- target_signed: S1


=== TEST 9: grpc_pass and a failure
--- http_config
server {
    listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1 http2;
    location / { proxy_pass http://TARGET; }
}
--- endpoint
grpc_pass grpc://127.0.0.1:$TEST_NGINX_RAND_PORT_1;
--- target
429 "Retry-After: 77"
--- answer: 503 unavailable
--- response_headers
Retry-After: 77


=== TEST 10: grpc_pass to a target that speaks HTTP/1.1
--- endpoint
grpc_pass TARGET;
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: invalid


=== TEST 11: a Fin endpoint by grpc_pass, whose URI nobody can look at
--- http_config
server {
    listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1 http2;
    location / { proxy_pass http://TARGET; }
}
--- fin
grpc_pass grpc://127.0.0.1:$TEST_NGINX_RAND_PORT_1;
--- answer: 502 delivery_failed
--- target_count: 0
--- log
jamhook delivery failed: misconfigured


=== TEST 12: a Fin endpoint by fastcgi_pass
--- fin
fastcgi_pass REFUSED;
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: misconfigured
--- no_log
connect() failed


=== TEST 13: a Fin endpoint by uwsgi_pass
--- fin
uwsgi_pass REFUSED;
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: misconfigured
--- no_log
connect() failed


=== TEST 14: a Fin endpoint by scgi_pass
--- fin
scgi_pass REFUSED;
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: misconfigured
--- no_log
connect() failed


=== TEST 15: a Fin endpoint by fastcgi_pass with a variable
--- fin
set $where REFUSED;
fastcgi_pass $where;
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: misconfigured


=== TEST 16: a plain endpoint by fastcgi_pass with a variable
--- endpoint
set $where REFUSED;
fastcgi_pass $where;
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: connect


=== TEST 17: stub_status as an endpoint
--- endpoint
stub_status;
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: target answered 405


=== TEST 18: an X-Accel-Redirect by grpc
--- http_config
server {
    listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1 http2;
    location / { return 200; add_header X-Accel-Redirect /secret; }
}
--- endpoint
grpc_pass grpc://127.0.0.1:$TEST_NGINX_RAND_PORT_1;
--- config
location = /secret { proxy_pass http://TARGET/secret; }
--- answer: 200 delivered
--- target_count: 0

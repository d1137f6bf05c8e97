# Upstream blocks, names, TLS: how a target is reached.

use lib 't/lib';
use Jamhook;
use Jamhook::Relay;

# a certificate that nobody here trusts
BEGIN {
    my $dir = Jamhook::Env::tmp();

    @ENV{qw(TEST_NGINX_OTHER_CRT TEST_NGINX_OTHER_KEY)} =
        ("$dir/other.crt", "$dir/other.key");

    system("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256"
           . " -nodes -days 2 -subj /CN=localhost -addext"
           . " subjectAltName=DNS:localhost -out $dir/other.crt"
           . " -keyout $dir/other.key 2> /dev/null") == 0 or die "openssl";
}

# a name server that knows a.test and its port, and of b.test nothing
my $dns;

BEGIN {
    require IO::Socket::INET;

    my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'udp');
    $ENV{TEST_NGINX_DNS_PORT} = $s->sockport;

    $dns = fork;
    die "fork: $!" unless defined $dns;

    if ($dns == 0) {
        alarm 300;

        while (defined $s->recv(my $query, 512)) {
            my ($id, undef, undef) = unpack 'n3', $query;
            my $question = substr $query, 12;
            my $type = unpack 'n', substr $question, -4, 2;
            my $known = $question =~ /^\x01a\x04test\x00/;
            my $answer = $known && $type == 1
                         ? pack('n3 N n C4', 0xc00c, 1, 1, 60, 4, 127, 0, 0, 1)
                         : '';

            $s->send(pack('n6', $id, $known ? 0x8180 : 0x8183, 1,
                          length $answer ? 1 : 0, 0, 0) . $question . $answer);
        }
    }
}

END { local $?; kill 'KILL', $dns if $dns }

our $Tls = '
server {
    listen 127.0.0.1:$TEST_NGINX_RAND_PORT_1 ssl;
    ssl_certificate $TEST_NGINX_CRT;
    ssl_certificate_key $TEST_NGINX_CRT_KEY;
    location / {
        proxy_pass_request_headers on;
        proxy_set_header X-Sni $ssl_server_name;
        proxy_set_header X-Client $ssl_client_verify;
        proxy_pass http://TARGET;
    }
}
';

our $Verify = '
    proxy_ssl_server_name on;
    proxy_ssl_verify on;
    proxy_ssl_name localhost;
    proxy_ssl_trusted_certificate $TEST_NGINX_CRT;
';

run_tests();

__DATA__

=== TEST 1: an upstream block with a dead first server
--- http_config
upstream u { server REFUSED; server TARGET; }
--- endpoint
proxy_pass http://u/a;
--- answer: 200 delivered
--- target_count: 1
--- target_headers
host: u


=== TEST 2: an upstream block of dead servers
--- http_config
upstream u { server REFUSED; server 127.0.0.1:$TEST_NGINX_REFUSED_PORT; }
--- endpoint
proxy_pass http://u/a;
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: connect


=== TEST 3: an upstream block that tries the next server after an answer
--- http_config
upstream u { server TARGET; server 127.0.0.1:$TEST_NGINX_TARGET_PORT; }
--- endpoint
proxy_next_upstream http_503 non_idempotent;
proxy_pass http://u/a;
--- target
503 "Retry-After: 77" | 200
--- answer: 200 delivered
--- target_count: 2


=== TEST 4: the last server's answer is the outcome
--- http_config
upstream u { server TARGET; server 127.0.0.1:$TEST_NGINX_TARGET_PORT; }
--- endpoint
proxy_next_upstream http_503 http_429 non_idempotent;
proxy_pass http://u/a;
--- target
503 "Retry-After: 77" | 429 "Retry-After: 78"
--- answer: 503 unavailable
--- response_headers
Retry-After: 78


=== TEST 5: no server is left
--- http_config
upstream u { server REFUSED down; }
--- endpoint
proxy_pass http://u/a;
--- answer: 502 delivery_failed
--- target_count: 0
--- log
jamhook delivery failed: connect


=== TEST 6: a Fin endpoint with a dead first server
--- http_config
upstream u { server REFUSED; server TARGET; keepalive 4; }
--- fin
proxy_http_version 1.1;
proxy_set_header Connection "";
proxy_set_header Host intercom.example;
proxy_pass http://u/p;
--- answer: 200 delivered
--- target_requests eval
"POST /p/215470686832743 $Jamhook::Relay::FIN"
--- target_headers
host: intercom.example


=== TEST 7: hash and least_conn
--- http_config
upstream u { hash $jamhook_conversation_id consistent; server TARGET; }
upstream v { least_conn; server TARGET; }
upstream w { ip_hash; server TARGET; }
--- config
location = /jam { jamhook_pass u v w; jamhook_verify keys/P1.key; }
location = /u { jamhook_endpoint u; jamhook_sign off; proxy_pass http://u; }
location = /v { jamhook_endpoint v; jamhook_sign off; proxy_pass http://v; }
location = /w { jamhook_endpoint w; jamhook_sign off; proxy_pass http://w; }
--- event
{"conversationId":"7"}
--- answer: 200 delivered
--- target_count: 3


=== TEST 8: max_conns leaves no server for a while
--- http_config
upstream u { zone u 64k; server TARGET max_conns=1; }
--- config
location = /jam { jamhook_pass a b; jamhook_verify keys/P1.key; }
location = /a { jamhook_endpoint a; jamhook_sign off; proxy_pass http://u; }
location = /b { jamhook_endpoint b; jamhook_sign off; proxy_pass http://u; }
--- event
{"conversationId":"7"}
--- target
delay=200ms
--- answer: 502 delivery_failed
--- target_count: 1
--- log
jamhook delivery failed: connect


=== TEST 9: a unix socket
--- http_config
server {
    listen unix:$TEST_NGINX_SERVROOT/logs/target.sock;
    location / { proxy_pass http://TARGET; }
}
--- fin
proxy_pass http://unix:$TEST_NGINX_SERVROOT/logs/target.sock:/p;
--- answer: 200 delivered
--- target_like
^POST /p/215470686832743$


=== TEST 10: TLS with the right certificate
--- http_config eval: $::Tls
--- endpoint eval
"$::Verify proxy_pass https://127.0.0.1:\$TEST_NGINX_RAND_PORT_1/a;"
--- answer: 200 delivered
--- target_count: 1
--- target_headers
x-sni: localhost


=== TEST 11: TLS to a Fin endpoint
--- http_config eval: $::Tls
--- fin eval
"$::Verify proxy_pass https://127.0.0.1:\$TEST_NGINX_RAND_PORT_1/p;"
--- answer: 200 delivered
--- target_like
^POST /p/215470686832743$


=== TEST 12: TLS with a certificate that is not trusted
--- http_config eval: $::Tls
--- endpoint eval
"$::Verify proxy_pass https://127.0.0.1:\$TEST_NGINX_RAND_PORT_1/a;"
=~ s/TEST_NGINX_CRT/TEST_NGINX_OTHER_CRT/r
--- answer: 502 delivery_failed
--- target_count: 0
--- log
jamhook delivery failed: connect
upstream SSL certificate verify error


=== TEST 13: TLS with a certificate for another name
--- http_config eval: $::Tls
--- endpoint eval
"$::Verify proxy_pass https://127.0.0.1:\$TEST_NGINX_RAND_PORT_1/a;"
=~ s/localhost/other.example/r
--- answer: 502 delivery_failed
--- target_count: 0
--- log
jamhook delivery failed: connect


=== TEST 14: TLS without verification is the operator's choice
--- http_config eval: $::Tls
--- endpoint
proxy_ssl_verify off;
proxy_pass https://127.0.0.1:$TEST_NGINX_RAND_PORT_1/a;
--- answer: 200 delivered
--- target_count: 1


=== TEST 15: TLS to a target that speaks none
--- endpoint eval
"$::Verify jamhook_timeout 300ms; proxy_pass https://TARGET/a;"
--- answer: 504 delivery_failed
--- target_count: 0
--- log
jamhook delivery failed: timeout


=== TEST 16: TLS to nobody
--- endpoint eval
"$::Verify proxy_pass https://REFUSED/a;"
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: connect


=== TEST 17: TLS with an upstream block and sessions kept
--- http_config eval
"$::Tls upstream u { server 127.0.0.1:\$TEST_NGINX_RAND_PORT_1; keepalive 2; }"
--- endpoint eval
"$::Verify proxy_http_version 1.1; proxy_set_header Connection '';
 proxy_pass https://u/a;"
--- config
location = /twice {
    mirror /jam;
    jamhook_pass e;
    jamhook_verify keys/P1.key;
}
--- event_with: uri=/twice
--- answer: 200 delivered
--- target_count: 2


=== TEST 18: a client certificate
--- http_config eval
$::Tls =~ s/(?=location)/ssl_verify_client on;
ssl_client_certificate \$TEST_NGINX_OTHER_CRT;\n/r
--- endpoint eval
"$::Verify proxy_ssl_certificate \$TEST_NGINX_OTHER_CRT;
 proxy_ssl_certificate_key \$TEST_NGINX_OTHER_KEY;
 proxy_pass https://127.0.0.1:\$TEST_NGINX_RAND_PORT_1/a;"
--- answer: 200 delivered
--- target_headers
x-client: SUCCESS


=== TEST 19: a client certificate that is missing
--- http_config eval
$::Tls =~ s/(?=location)/ssl_verify_client on;
ssl_client_certificate \$TEST_NGINX_OTHER_CRT;\n/r
--- endpoint eval
"$::Verify proxy_pass https://127.0.0.1:\$TEST_NGINX_RAND_PORT_1/a;"
--- answer: 502 delivery_failed
--- target_count: 0
--- log
jamhook delivery failed: target answered 400


=== TEST 20: a name that is resolved while nginx runs
--- endpoint
resolver 127.0.0.1:$TEST_NGINX_DNS_PORT ipv6=off;
set $name a.test;
proxy_pass http://$name:$TEST_NGINX_TARGET_PORT/a;
--- answer: 200 delivered
--- target_count: 1
--- target_headers
host: ~ ^a\.test:


=== TEST 21: a name for a Fin endpoint
--- fin
resolver 127.0.0.1:$TEST_NGINX_DNS_PORT ipv6=off;
set $name a.test;
proxy_pass http://$name:$TEST_NGINX_TARGET_PORT/p/$jamhook_conversation_id;
--- answer: 200 delivered
--- target_requests eval
"POST /p/215470686832743 $Jamhook::Relay::FIN"


=== TEST 22: a name that is resolved for a misconfigured Fin endpoint
--- fin
resolver 127.0.0.1:$TEST_NGINX_DNS_PORT ipv6=off;
set $name a.test;
proxy_pass http://$name:$TEST_NGINX_TARGET_PORT/p;
--- answer: 502 delivery_failed
--- target_count: 0
--- log
jamhook delivery failed: misconfigured


=== TEST 23: a name that does not exist
--- endpoint
resolver 127.0.0.1:$TEST_NGINX_DNS_PORT ipv6=off;
set $name b.test;
proxy_pass http://$name:$TEST_NGINX_TARGET_PORT/a;
--- event_with: id=msg_23
--- answer: 502 delivery_failed
--- response_body_like
\\"e\\".*resolve
--- target_count: 0
--- log
~ jamhook delivery failed: resolve, endpoint: "e", event: "msg_23"


=== TEST 24: a name server that does not answer
--- endpoint
resolver 127.0.0.1:$TEST_NGINX_REFUSED_PORT ipv6=off;
resolver_timeout 300ms;
set $name a.test;
proxy_pass http://$name/a;
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: resolve


=== TEST 25: jamhook_timeout while a name is resolved
--- endpoint
resolver 127.0.0.1:$TEST_NGINX_REFUSED_PORT ipv6=off;
resolver_timeout 10s;
jamhook_timeout 300ms;
set $name a.test;
proxy_pass http://$name/a;
--- answer: 504 delivery_failed
--- timeout: 8
--- log
jamhook delivery failed: timeout


=== TEST 26: jamhook_timeout while a Fin endpoint's name is resolved
--- fin
resolver 127.0.0.1:$TEST_NGINX_REFUSED_PORT ipv6=off;
resolver_timeout 10s;
jamhook_timeout 300ms;
set $name a.test;
proxy_pass http://$name/p/$jamhook_conversation_id;
--- answer: 504 delivery_failed
--- timeout: 8


=== TEST 27: no resolver at all
--- endpoint
set $name a.test;
proxy_pass http://$name/a;
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: resolve


=== TEST 28: a name that is none
--- endpoint
resolver 127.0.0.1:$TEST_NGINX_DNS_PORT ipv6=off;
set $name a..test;
proxy_pass http://$name/a;
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: resolve


=== TEST 29: an address in a variable needs no resolver
--- endpoint
set $address TARGET;
proxy_pass http://$address/a;
--- answer: 200 delivered
--- target_count: 1


=== TEST 30: a refused address in a variable
--- endpoint
set $address REFUSED;
proxy_pass http://$address/a;
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: connect


=== TEST 31: a URL in a variable that is none
--- endpoint
set $url nonsense;
proxy_pass $url;
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: misconfigured


=== TEST 32: a URL in a variable that is empty
--- endpoint
set $url "";
proxy_pass $url;
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: misconfigured


=== TEST 33: a URL in a variable without a scheme that nginx knows
--- endpoint
set $url ftp://TARGET/a;
proxy_pass $url;
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: misconfigured


=== TEST 34: a port in a variable that is none
--- endpoint
set $port 99999;
proxy_pass http://127.0.0.1:$port/a;
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: misconfigured


=== TEST 35: a host in a variable that is empty
--- endpoint
set $host_name "";
proxy_pass http://$host_name/a;
--- answer: 502 delivery_failed
--- log
jamhook delivery failed: misconfigured


=== TEST 36: a whole URL in a variable
--- endpoint
set $url http://TARGET/a?b=c;
proxy_pass $url;
--- answer: 200 delivered
--- target_requests eval
"POST /a?b=c $Jamhook::Relay::EVENT"


=== TEST 37: a map decides by the event
--- http_config
map $jamhook_type $path { intercom.recorder.recorded /rec; default /other; }
--- endpoint
proxy_pass http://TARGET$path;
--- answer: 200 delivered
--- target_like
^POST /rec$

# Right configurations: no warning, and they work.

use lib 't/lib';
use Jamhook;
use Jamhook::Conf;

# what DESIGN.md's "A whole configuration" has of this version, with our ports
my $whole = q{
    server {
        listen               $TEST_NGINX_RAND_PORT_1 ssl;
        server_name          hooks.example.com;
        ssl_certificate      $TEST_NGINX_CRT;
        ssl_certificate_key  $TEST_NGINX_CRT_KEY;

        # the URL you give to Jam
        location = /jam {
            jamhook_pass    %s;
            jamhook_verify  keys/P1.key;
        }

        # the URL you copied from Intercom, without "/<Conversation ID>"
        location /fin {
            jamhook_endpoint   fin;
            jamhook_connector  intercom_fin;
            jamhook_sign       keys/S1.key;
            set                $intercom  intercom.example;
            proxy_pass  https://$intercom/the/copied/path/$jamhook_conversation_id;
        }

        # a manual endpoint: every event, as received
        location = /audit {
            jamhook_endpoint   audit;
            jamhook_sign       keys/S2.key;
            proxy_pass         http://127.0.0.1:9000/jam-events;
        }
    }
};

my $tls = q{
    resolver                       127.0.0.53;
    proxy_ssl_server_name          on;
    proxy_ssl_verify               on;
    proxy_ssl_trusted_certificate  $TEST_NGINX_CRT;
};

sub whole { return $tls . sprintf $whole, $_[0] }

sub endpoints {
    my ($n) = @_;

    return "location = /jam { jamhook_pass e1 e$n; "
           . "jamhook_verify keys/P1.key; }\n"
           . join '', map { "location = /e$_ { jamhook_endpoint e$_; "
                            . "jamhook_sign off; proxy_pass "
                            . "http://127.0.0.1:\$TEST_NGINX_TARGET_PORT; }\n" }
                      1 .. $n;
}

run_tests();

__DATA__

=== TEST 1: the configuration of the contract, of one endpoint, gives no warning
--- http_config eval: main::whole('fin')
--- config
--- warned







=== TEST 2: that of two endpoints gives one, for there is no store
--- http_config eval: main::whole('fin audit')
--- config
--- warned
"jamhook_pass" names several endpoints and there is no store: when one of them fails, the sender repeats the event to all at jamhook_pass







=== TEST 3: a URL as copied, without variables, gives no warning
--- http_config
    proxy_ssl_server_name          on;
    proxy_ssl_verify               on;
    proxy_ssl_trusted_certificate  $TEST_NGINX_CRT;
--- config
    $TEST_NGINX_JAM
    location /fin {
        jamhook_endpoint   fin;
        jamhook_connector  intercom_fin wrap=data;
        jamhook_sign       keys/S1.key prefix=svix;
        jamhook_events     intercom.recorder.recorded jam.*;
        jamhook_timeout    10s;
        jamhook_max_active 1;
        proxy_pass         https://127.0.0.1/the/copied/path;
    }
--- warned







=== TEST 4: a module that is loaded and not used changes nothing
--- config
    location = /x { return 200 "x\n"; }
--- request
GET /x
--- response_body
x
--- warned







=== TEST 5: an ingest location without signatures and an endpoint without
--- config
    location = /jam {
        jamhook_pass        audit;
        jamhook_verify      off;
        jamhook_event_type  auto;
    }
    location = /audit {
        jamhook_endpoint   audit;
        jamhook_connector  none;
        jamhook_sign       off;
        proxy_pass         http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
--- event: {"a":1}
--- event_with: key=none
--- answer: 200 delivered
--- warned
--- target_requests
POST /audit {"a":1}
--- target_headers
!webhook-id
!webhook-timestamp
!webhook-signature
!svix-id







=== TEST 6: an endpoint stands before the ingest location and in another server
--- http_config
    server {
        listen       $TEST_NGINX_RAND_PORT_1;
        server_name  endpoints;

        location = /audit {
            jamhook_endpoint  audit;
            jamhook_sign      keys/S1.key;
            proxy_pass        http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
        }
    }
--- config
    location = /jam {
        jamhook_pass    audit;
        jamhook_verify  keys/P1.key;
    }
--- event: {"a":1}
--- answer: 200 delivered
--- warned
--- target_requests
POST /audit {"a":1}







=== TEST 7: two ingest locations pass to one endpoint
--- config
    location = /a { jamhook_pass audit; jamhook_verify keys/P2.key; }
    location = /jam { jamhook_pass audit; jamhook_verify keys/P1.key; }
    location = /audit {
        jamhook_endpoint  audit;
        jamhook_sign      keys/S1.key;
        proxy_pass        http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
--- event: {"a":1}
--- event_with: uri=/a key=P2
--- answer: 200 delivered
--- warned
--- target_count: 1







=== TEST 8: an ingest location may be a prefix, a regular expression or named
--- config
    location /prefix { jamhook_pass audit; jamhook_verify keys/P1.key; }
    location ~ ^/[a-z]am$ { jamhook_pass audit; jamhook_verify keys/P1.key; }
    location @named { jamhook_pass audit; jamhook_verify keys/P1.key; }
    location = /audit {
        jamhook_endpoint  audit;
        jamhook_sign      keys/S1.key;
        proxy_pass        http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
--- event: {"a":1}
--- answer: 200 delivered
--- warned
--- target_count: 1







=== TEST 9: a location inside an ingest location takes nothing in
--- config
    location /jam {
        jamhook_pass    audit;
        jamhook_verify  keys/P1.key;
        location = /jam/inner { empty_gif; }
    }
    location = /audit {
        jamhook_endpoint  audit;
        jamhook_sign      keys/S1.key;
        proxy_pass        http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
--- request
GET /jam/inner
--- response_headers
Content-Type: image/gif
--- response_body_like: GIF
--- target_count: 0
--- warned







=== TEST 10: a location inside an endpoint is none
--- config
    location = /jam { jamhook_pass audit; jamhook_verify keys/P1.key; }
    location /audit {
        jamhook_endpoint  audit;
        jamhook_sign      keys/S1.key;
        proxy_pass        http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
        location = /audit/inner { empty_gif; }
    }
--- request
GET /audit/inner
--- response_body_like: GIF
--- warned







=== TEST 11: a name of 65 characters is refused
--- config
    location = /jam {
        jamhook_pass    aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-_9Z;
        jamhook_verify  keys/P1.key;
    }
--- refused
invalid value "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-_9Z" in "jamhook_pass"
at jamhook_pass







=== TEST 12: one of 64 characters works
--- config
    location = /jam {
        jamhook_pass    aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-_9Z;
        jamhook_verify  keys/P1.key;
    }
    location = /audit {
        jamhook_endpoint  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-_9Z;
        jamhook_sign      keys/S1.key;
        proxy_pass        http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
--- event: {"a":1}
--- answer: 200 delivered
--- warned
--- target_count: 1







=== TEST 13: 256 endpoints are taken
--- config eval: main::endpoints(256)
--- event: {"a":1}
--- answer: 200 delivered
--- target_requests
POST /e1 {"a":1}
POST /e256 {"a":1}







=== TEST 14: 257 are not
--- config eval: main::endpoints(257)
--- refused
invalid value "e257" in "jamhook_endpoint": there are 256 endpoints already, and no more are allowed
at jamhook_endpoint e257;

# jamhook_verify off: an event's id is its header's, else its envelope's, else a
# random one; timestamps and signatures are not judged.

use lib 't/lib';
use Jamhook;
use Jamhook::Conf;

Jamhook::Conf::config(q{
    location = /jam { jamhook_pass audit; jamhook_verify off; }
    location = /fin-in { jamhook_pass fin; jamhook_verify off; }
    location = /audit {
        jamhook_endpoint  audit;
        jamhook_sign      keys/S1.key;
        proxy_pass        http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
    location /fin {
        jamhook_endpoint   fin;
        jamhook_connector  intercom_fin;
        jamhook_sign       off;
        proxy_pass         http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
});

run_tests();

__DATA__

=== TEST 1: the header's id
--- event: {"id":"evt_1","data":{}}
--- event_with: key=none "svix-id: msg_1"
--- answer: 200 delivered
--- response_body_like: "id":"msg_1"
--- target_headers
webhook-id: msg_1
--- target_signed: S1







=== TEST 2: of the other family
--- event: {"id":"evt_1","data":{}}
--- event_with: key=none "webhook-id: msg_2"
--- answer: 200 delivered
--- response_body_like: "id":"msg_2"







=== TEST 3: svix first
--- event: {}
--- event_with: key=none "webhook-id: msg_2" "svix-id: msg_1"
--- answer: 200 delivered
--- response_body_like: "id":"msg_1"







=== TEST 4: the envelope's where there is none
--- event: {"id":"evt_1","type":"a.b","data":{}}
--- event_with: key=none
--- answer: 200 delivered
--- response_body_like: "id":"evt_1","type":"a\.b"
--- target_headers
webhook-id: evt_1







=== TEST 5: a malformed header counts as none
--- event: {"id":"evt_1","data":{}}
--- event_with: key=none "svix-id: msg.1"
--- answer: 200 delivered
--- response_body_like: "id":"evt_1"







=== TEST 6: an empty one too
--- event: {"id":"evt_1","data":{}}
--- event_with: key=none svix-id:
--- answer: 200 delivered
--- response_body_like: "id":"evt_1"







=== TEST 7: a doubled one too
--- event: {"id":"evt_1","data":{}}
--- event_with: key=none "svix-id: msg_1" "svix-id: msg_2"
--- answer: 200 delivered
--- response_body_like: "id":"evt_1"







=== TEST 8: one of 300 characters too
--- event: {"id":"evt_1","data":{}}
--- event_with eval: 'key=none svix-id:' . 'm' x 300
--- answer: 200 delivered
--- response_body_like: "id":"evt_1"







=== TEST 9: a random one where the envelope has none
--- event: {"data":{}}
--- event_with: key=none
--- answer: 200 delivered
--- response_body_like: "id":"[A-Za-z0-9_-]{20,}"
--- target_headers
webhook-id: ~ ^[A-Za-z0-9_-]{20,256}$
--- target_signed: S1







=== TEST 10: and where the envelope's is malformed
--- event: {"id":"evt.1/../x","data":{}}
--- event_with: key=none
--- answer: 200 delivered
--- response_body_like: "id":"[A-Za-z0-9_-]{20,}"
--- target_headers
webhook-id: ~ ^[A-Za-z0-9_-]{20,256}$







=== TEST 11: the id of a flat event is none
--- event: {"id":"evt_1","conversationId":"1"}
--- event_with: key=none
--- answer: 200 delivered
--- response_body_like: "id":"(?!evt_1)[A-Za-z0-9_-]{20,}"







=== TEST 12: a random id is another one each time
--- raw_request eval
my $e = Jamhook::event(body => '{}', key => 'none', headers => [['Connection', 'keep-alive']]);
$e . $e =~ s/keep-alive/close/r
--- pipelined_requests eval: [1, 2]
--- error_code eval: [200, 200]
--- response_body_like eval: ['delivered', 'delivered']
--- target_check eval
sub {
    my %ids = map { scalar Jamhook::Target::header($_, 'webhook-id') => 1 } @_;
    Test::More::is(scalar keys %ids, 2, 'two ids');
}







=== TEST 13: a signature that does not hold is not judged
--- event: {}
--- event_with: id=msg_1 signature=v1,x
--- answer: 200 delivered
--- response_body_like: "id":"msg_1"







=== TEST 14: nor is a timestamp
--- event: {}
--- event_with: id=msg_1 ts=-100000
--- answer: 200 delivered







=== TEST 15: nor one that is no number
--- event: {}
--- event_with: id=msg_1 at=never
--- answer: 200 delivered







=== TEST 16: the method is
--- event: {}
--- event_with: method=PUT key=none
--- answer: 405 method_not_allowed







=== TEST 17: and the media type
--- event: {}
--- event_with: type=text/plain key=none
--- answer: 415 media_type_unsupported







=== TEST 18: and the body's form
--- event: []
--- event_with: key=none
--- answer: 400 body_invalid







=== TEST 19: and the members
--- event: {"conversationId":"../x"}
--- event_with: key=none uri=/fin-in
--- answer: 422 event_invalid
--- target_count: 0







=== TEST 20: an unsigned event reaches Fin
--- event: {"conversationId":"1"}
--- event_with: key=none uri=/fin-in
--- answer: 200 delivered
--- target_requests
POST /fin/1

# The variables in the access log of an ingest location: what was verified.

use lib 't/lib';
use Jamhook;
use Jamhook::Conf;

Jamhook::Conf::config(q{
    access_log      logs/access.log jam;
    jamhook_verify  keys/P1.key;

    location = /jam { jamhook_pass fin; }
    location = /audit-in { jamhook_pass audit; }
    location = /off { jamhook_pass audit; jamhook_verify off; }
    location = /small { jamhook_pass audit; client_max_body_size 5; }
    location = /plain { return 200 "x\n"; }
    location = /header { jamhook_pass audit; add_header X-Id "$jamhook_id $jamhook_type" always; }
    location /fin {
        access_log         off;
        jamhook_endpoint   fin;
        jamhook_connector  intercom_fin;
        jamhook_sign       keys/S1.key;
        jamhook_timeout    2s;
        proxy_pass         http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
    location = /audit {
        access_log        off;
        jamhook_endpoint  audit;
        jamhook_sign      keys/S1.key;
        proxy_pass        http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
});

our $P1 = Jamhook::Conf::fingerprint('P1');
our $all = 'all=$jamhook_id|$jamhook_event_id|$jamhook_type|'
         . '$jamhook_created_at|$jamhook_conversation_id|$jamhook_jam_id|'
         . '$jamhook_recording_url|$jamhook_endpoint|$jamhook_attempt|'
         . '$jamhook_result|';

add_block_preprocessor(sub {
    $_[0]->set_value('http_config', "log_format jam '$main::all "
                     . 'key=$jamhook_key status=$status\';');
});

sub data {
    return '{"id":"evt_1","type":"intercom.recorder.recorded",'
           . '"created_at":"2025-09-09T12:00:00Z","data":{' . $_[0] . '}}';
}

our $whole = '"conversationId":"c-1","jamId":"jam_1",'
           . '"recording_url":"https://jam.dev/r/1"';
our $event = 'evt_1|intercom.recorder.recorded|2025-09-09T12:00:00Z|c-1|jam_1|'
           . 'https://jam.dev/r/1|-|-|';
our $nothing = '-|-|-|-|-|-|-|-|';

run_tests();

__DATA__

=== TEST 1: delivered
--- event eval: main::data($main::whole)
--- event_with: id=msg_1
--- answer: 200 delivered
--- access eval
"all=msg_1|${main::event}delivered| key=$main::P1 status=200"







=== TEST 2: ignored
--- event: {"id":"evt_2","type":"a.b","created_at":"now","data":{"jamId":"j"}}
--- event_with: id=msg_2
--- answer: 200 ignored
--- access
~ ^all=msg_2\|evt_2\|a\.b\|now\|-\|j\|-\|-\|-\|ignored\| key=[0-9a-f]{8} status=200$







=== TEST 3: a flat event, with jamUrl and an integer
--- event: {"conversationId":215470686832743,"jamUrl":"http://jam.dev/c/1"}
--- event_with: id=msg_3
--- answer: 200 delivered
--- access
all=msg_3|-|intercom.recorder.recorded|-|215470686832743|-|http://jam.dev/c/1|-|-|delivered|







=== TEST 4: the conversation of a new Jam
--- event: {"jamId":"j","jamUrl":"http://jam.dev/c/1","teamId":"t","intercom":{"conversationId":"c-9"}}
--- event_with: id=msg_4 uri=/audit-in
--- answer: 200 delivered
--- access
all=msg_4|-|jam.created|-|c-9|j|http://jam.dev/c/1|-|-|delivered|







=== TEST 5: a delivery that failed
--- event eval: main::data($main::whole)
--- event_with: id=msg_1
--- target: 500
--- answer: 502 delivery_failed
--- access eval
"all=msg_1|${main::event}delivery_failed|"







=== TEST 6: one that timed out
--- event eval: main::data($main::whole)
--- event_with: id=msg_1
--- target: hang
--- answer: 504 delivery_failed
--- access eval
"all=msg_1|${main::event}delivery_failed|"







=== TEST 7: a target that is busy
--- event eval: main::data($main::whole)
--- event_with: id=msg_1
--- target: 429
--- answer: 503 unavailable
--- access eval
"all=msg_1|${main::event}unavailable|"







=== TEST 8: event_invalid
--- event: {"id":"evt_5","type":"intercom.recorder.recorded","data":{"jamId":"j"}}
--- event_with: id=msg_5
--- answer: 422 event_invalid
--- access
~ ^all=msg_5\|evt_5\|intercom\.recorder\.recorded\|-\|-\|j\|-\|-\|-\|event_invalid\| key=[0-9a-f]{8} status=422$







=== TEST 9: a member that is refused is empty
--- event: {"conversationId":"../x","jamId":"j"}
--- event_with: id=msg_6
--- answer: 422 event_invalid
--- access
all=msg_6|-|intercom.recorder.recorded|-|-|j|-|-|-|event_invalid|
--- no_access
../x







=== TEST 10: body_invalid: verified, but there is nothing to tell
--- event: {"type":"a.b","data":{}} x
--- event_with: id=msg_7
--- answer: 400 body_invalid
--- access eval
"~ ^all=msg_7\\|(-\\|){8}body_invalid\\| key=[0-9a-f]{8} status=400\$"







=== TEST 11: signature_invalid: nothing of the body, and no key
--- event eval: main::data($main::whole)
--- event_with: id=msg_8 key=P2
--- answer: 401 signature_invalid
--- access
~ \|(-\|){8}signature_invalid\| key=- status=401$
--- no_access
evt_1
c-1
jam_1







=== TEST 12: signature_missing: nothing
--- event eval: main::data($main::whole)
--- event_with: key=none
--- answer: 401 signature_missing
--- access eval
"all=-|${main::nothing}signature_missing| key=- status=401"







=== TEST 13: timestamp_invalid: nothing of the body
--- event eval: main::data($main::whole)
--- event_with: id=msg_9 ts=-1000
--- answer: 401 timestamp_invalid
--- access
~ \|(-\|){8}timestamp_invalid\| key=- status=401$







=== TEST 14: a malformed id is not told
--- event eval: main::data($main::whole)
--- event_with: id=../../x
--- answer: 401 signature_missing
--- access eval
"all=-|${main::nothing}signature_missing| key=- status=401"
--- no_access
../../x







=== TEST 15: method_not_allowed
--- event: {}
--- event_with: method=PUT
--- answer: 405 method_not_allowed
--- access eval
"all=-|${main::nothing}method_not_allowed| key=- status=405"







=== TEST 16: media_type_unsupported
--- event: {}
--- event_with: type=text/plain
--- answer: 415 media_type_unsupported
--- access eval
"all=-|${main::nothing}media_type_unsupported| key=- status=415"







=== TEST 17: body_too_large
--- event: {"a":1}
--- event_with: uri=/small chunked=1000
--- error_code: 413
--- access
~ \|(-\|){8}(body_too_large|-)\| key=- status=413$







=== TEST 18: a body cut short: nothing of it
--- raw_request eval
Jamhook::event(body => main::data($main::whole), id => 'msg_10') =~ s/(Content-Length: \d+)/${1}0/r
--- shutdown: 1
--- ignore_response
--- access
~ \|(-\|){8}-\| key=- status=400$







=== TEST 19: a control character gives "-": a line break
--- event: {"id":"evt\n1","created_at":"a\u0001b","data":{"jamId":"a\tb","recording_url":"http://x/\u007f"}}
--- event_with: id=msg_11 uri=/audit-in
--- answer: 200 delivered
--- access
all=msg_11|-|unknown|-|-|-|-|-|-|delivered|







=== TEST 20: what is no problem stays when a neighbour is one
--- event: {"id":"evt_1","created_at":"a\u000ab","type":"a.b","data":{"jamId":"a\rb"}}
--- event_with: id=msg_12 uri=/audit-in
--- answer: 200 delivered
--- access
all=msg_12|evt_1|a.b|-|-|-|-|-|-|delivered|







=== TEST 21: a quote in a value is escaped by nginx
--- event: {"data":{"jamId":"a\"b\\c"}}
--- event_with: id=msg_13 uri=/audit-in
--- answer: 200 delivered
--- access
all=msg_13|-|unknown|-|-|a\x22b\x5Cc|-|-|-|delivered|







=== TEST 22: jamhook_verify off: no key
--- event: {"id":"evt_1","type":"a.b","data":{}}
--- event_with: key=none uri=/off
--- answer: 200 delivered
--- access
all=evt_1|evt_1|a.b|-|-|-|-|-|-|delivered| key=- status=200







=== TEST 23: jamhook_verify off: the random id
--- event: {}
--- event_with: key=none uri=/off
--- answer: 200 delivered
--- access
~ ^all=[A-Za-z0-9_-]{20,}\|-\|unknown\|-\|-\|-\|-\|-\|-\|delivered\| key=- status=200$







=== TEST 24: elsewhere they are all empty
--- request
GET /plain
--- response_body
x
--- access eval
"all=-|${main::nothing}-| key=- status=200"







=== TEST 25: an answer's header may have them
--- event: {"type":"a.b","data":{}}
--- event_with: id=msg_14 uri=/header
--- answer: 200 delivered
--- response_headers
X-Id: msg_14 a.b







=== TEST 26: and has no more than is known
--- event: {"type":"a.b\r\nX-Evil: yes","data":{}}
--- event_with: id=msg_15 uri=/header
--- answer: 200 delivered
--- response_headers
X-Id: msg_15 unknown
!X-Evil

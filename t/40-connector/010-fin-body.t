# What a Fin endpoint is sent, byte for byte.

use lib 't/lib';
use Jamhook;
use Jamhook::Relay;

run_tests();

__DATA__

=== TEST 1: an enveloped recorded event
--- fin
proxy_pass http://TARGET/p;
--- event
{
  "id": "evt_12345",
  "type": "intercom.recorder.recorded",
  "created_at": "2025-09-09T12:00:00Z",
  "data": {
    "conversationId": "215470686832743",
    "jamId": "9573a43b-3ec9-49ab-b7e4-bf6cfc4bdfc",
    "recording_url": "https://jam.dev/r/rec_12345"
  }
}
--- answer: 200 delivered
--- target_requests
POST /p/215470686832743 {"event":"intercom.recorder.recorded","payload":{"conversationId":"215470686832743","jamId":"9573a43b-3ec9-49ab-b7e4-bf6cfc4bdfc","recording_url":"https://jam.dev/r/rec_12345"}}


=== TEST 2: the members come in the contract's order whatever theirs was
--- fin
proxy_pass http://TARGET/p;
--- event
{"data":{"recording_url":"https://jam.dev/r/1","extra":1,"jamId":"j1","conversationId":"7"},"type":"intercom.recorder.recorded"}
--- answer: 200 delivered
--- target_requests
POST /p/7 {"event":"intercom.recorder.recorded","payload":{"conversationId":"7","jamId":"j1","recording_url":"https://jam.dev/r/1"}}


=== TEST 3: an enveloped opted_out event has the conversation alone
--- fin
proxy_pass http://TARGET/p;
--- event
{"id":"evt_2","type":"intercom.recorder.opted_out","created_at":"2025-09-09T12:00:00Z","data":{"conversationId":"215470686832743"}}
--- answer: 200 delivered
--- target_requests
POST /p/215470686832743 {"event":"intercom.recorder.opted_out","payload":{"conversationId":"215470686832743"}}


=== TEST 4: a flat recorded event
--- fin
proxy_pass http://TARGET/p;
--- event
{"conversationId":"conversation-123","jamId":"jam-intercom-1","jamUrl":"https://jam.dev/c/jam-intercom-1"}
--- answer: 200 delivered
--- target_requests
POST /p/conversation-123 {"event":"intercom.recorder.recorded","payload":{"conversationId":"conversation-123","jamId":"jam-intercom-1","recording_url":"https://jam.dev/c/jam-intercom-1"}}


=== TEST 5: a flat opted_out event
--- fin
proxy_pass http://TARGET/p;
--- event
{"conversationId":"conversation-456"}
--- answer: 200 delivered
--- target_requests
POST /p/conversation-456 {"event":"intercom.recorder.opted_out","payload":{"conversationId":"conversation-456"}}


=== TEST 6: jamUrl in an envelope is sent as recording_url
--- fin
proxy_pass http://TARGET/p;
--- event
{"type":"intercom.recorder.recorded","data":{"conversationId":"7","jamId":"j1","jamUrl":"http://jam.dev/c/1"}}
--- answer: 200 delivered
--- target_requests
POST /p/7 {"event":"intercom.recorder.recorded","payload":{"conversationId":"7","jamId":"j1","recording_url":"http://jam.dev/c/1"}}


=== TEST 7: absent members are left out
--- fin
proxy_pass http://TARGET/p;
--- event
{"type":"intercom.recorder.recorded","data":{"conversationId":"7"}}
--- answer: 200 delivered
--- target_requests
POST /p/7 {"event":"intercom.recorder.recorded","payload":{"conversationId":"7"}}


=== TEST 8: null members are left out
--- fin
proxy_pass http://TARGET/p;
--- event
{"type":"intercom.recorder.recorded","data":{"conversationId":"7","jamId":null,"recording_url":"https://jam.dev/r/1"}}
--- answer: 200 delivered
--- target_requests
POST /p/7 {"event":"intercom.recorder.recorded","payload":{"conversationId":"7","recording_url":"https://jam.dev/r/1"}}


=== TEST 9: a null recording_url is left out
--- fin
proxy_pass http://TARGET/p;
--- event
{"type":"intercom.recorder.recorded","data":{"conversationId":"7","jamId":"j1","recording_url":null}}
--- answer: 200 delivered
--- target_requests
POST /p/7 {"event":"intercom.recorder.recorded","payload":{"conversationId":"7","jamId":"j1"}}


=== TEST 10: a conversation that is an integer is sent as a string
--- fin
proxy_pass http://TARGET/p;
--- event
{"type":"intercom.recorder.opted_out","data":{"conversationId":215470686832743}}
--- answer: 200 delivered
--- target_requests
POST /p/215470686832743 {"event":"intercom.recorder.opted_out","payload":{"conversationId":"215470686832743"}}


=== TEST 11: non-ASCII text stays UTF-8
--- fin
proxy_pass http://TARGET/p;
--- event eval
'{"type":"intercom.recorder.recorded","data":{"conversationId":"7",'
. '"jamId":"caf' . "\xc3\xa9 \xf0\x9f\x98\x80" . '"}}'
--- answer: 200 delivered
--- target_requests eval
'POST /p/7 {"event":"intercom.recorder.recorded","payload":'
. '{"conversationId":"7","jamId":"caf' . "\xc3\xa9 \xf0\x9f\x98\x80" . '"}}'


=== TEST 12: escaped text comes out as the characters it means
--- fin
proxy_pass http://TARGET/p;
--- event
{"type":"intercom.recorder.recorded","data":{"conversationId":"\u0037","jamId":"\u0063af\u00e9 \ud83d\ude00","recording_url":"https:\/\/jam.dev\/r\/1"}}
--- answer: 200 delivered
--- target_requests eval
'POST /p/7 {"event":"intercom.recorder.recorded","payload":'
. '{"conversationId":"7","jamId":"caf' . "\xc3\xa9 \xf0\x9f\x98\x80"
. '","recording_url":"https://jam.dev/r/1"}}'


=== TEST 13: quotes and backslashes stay escaped
--- fin
proxy_pass http://TARGET/p;
--- event
{"type":"intercom.recorder.recorded","data":{"conversationId":"7","jamId":"a\"b\\c\\\"d"}}
--- answer: 200 delivered
--- target_requests
POST /p/7 {"event":"intercom.recorder.recorded","payload":{"conversationId":"7","jamId":"a\"b\\c\\\"d"}}


=== TEST 14: text that looks like an end of the body adds no member
--- fin
proxy_pass http://TARGET/p;
--- event
{"type":"intercom.recorder.recorded","data":{"conversationId":"7","jamId":"x\"}},\"event\":\"y"}}
--- answer: 200 delivered
--- target_check
use JSON::PP ();
my $got = JSON::PP->new->decode($requests[0]{body});
is_deeply($got, { event => 'intercom.recorder.recorded', payload =>
                  { conversationId => 7, jamId => 'x"}},"event":"y' } },
          'one object');


=== TEST 15: wrap=data puts all of it into a member "data"
--- fin
jamhook_connector intercom_fin wrap=data;
proxy_pass http://TARGET/p;
--- answer: 200 delivered
--- target_requests
POST /p/215470686832743 {"data":{"event":"intercom.recorder.recorded","payload":{"conversationId":"215470686832743","jamId":"9573a43b-3ec9-49ab-b7e4-bf6cfc4bdfc","recording_url":"https://jam.dev/r/rec_12345"}}}


=== TEST 16: wrap=data with an opted_out event
--- fin
jamhook_connector intercom_fin wrap=data;
proxy_pass http://TARGET/p;
--- event
{"conversationId":"conversation-456"}
--- answer: 200 delivered
--- target_requests
POST /p/conversation-456 {"data":{"event":"intercom.recorder.opted_out","payload":{"conversationId":"conversation-456"}}}


=== TEST 17: the longest conversation id arrives whole
--- fin
proxy_pass http://TARGET/p;
--- event eval
'{"type":"intercom.recorder.opted_out","data":{"conversationId":"'
. ('aZ09_-xy' x 16) . '"}}'
--- answer: 200 delivered
--- target_requests eval
my $id = 'aZ09_-xy' x 16;
"POST /p/$id " . '{"event":"intercom.recorder.opted_out","payload":'
. qq({"conversationId":"$id"}})


=== TEST 18: a body that came in a temporary file is mapped
--- config
location = /jam {
    client_body_in_file_only clean;
    jamhook_pass fin;
    jamhook_verify keys/P1.key;
}

location /fin {
    jamhook_endpoint fin;
    jamhook_connector intercom_fin;
    jamhook_sign off;
    proxy_pass http://TARGET/p;
}
--- event
{"type":"intercom.recorder.opted_out","data":{"conversationId":"7"}}
--- answer: 200 delivered
--- target_requests
POST /p/7 {"event":"intercom.recorder.opted_out","payload":{"conversationId":"7"}}

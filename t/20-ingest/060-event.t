# Types, and what is required of an event.

use lib 't/lib';
use Jamhook;
use Jamhook::Conf;

Jamhook::Conf::config(q{
    jamhook_verify keys/P1.key;

    location = /jam { jamhook_pass fin; }
    location = /audit-in { jamhook_pass audit; }
    location = /both { jamhook_pass fin audit; }
    location = /typed { jamhook_pass audit; jamhook_event_type my.type; }
    location = /opted { jamhook_pass fin; jamhook_event_type intercom.recorder.opted_out; }
    location = /auto { jamhook_pass audit; jamhook_event_type auto; }
    location = /created { jamhook_pass only_created; }

    location /fin {
        jamhook_endpoint   fin;
        jamhook_connector  intercom_fin;
        jamhook_sign       keys/S1.key;
        proxy_pass         http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
    location /fin-created {
        jamhook_endpoint   only_created;
        jamhook_connector  intercom_fin;
        jamhook_events     jam.*;
        jamhook_sign       keys/S1.key;
        proxy_pass         http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
    location = /audit {
        jamhook_endpoint  audit;
        jamhook_sign      keys/S1.key;
        proxy_pass        http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
});

sub recorded { # members of data
    return '{"type":"intercom.recorder.recorded","data":{' . $_[0] . '}}';
}

run_tests();

__DATA__

=== TEST 1: recorded, enveloped
--- event
{"id":"evt_12345","type":"intercom.recorder.recorded","created_at":"2025-09-09T12:00:00Z","data":{"conversationId":"215470686832743","jamId":"9573a43b-3ec9-49ab-b7e4-bf6cfc4bdfc","recording_url":"https://jam.dev/r/rec_12345"}}
--- answer: 200 delivered
--- response_body_like: "type":"intercom\.recorder\.recorded"
--- target_requests
POST /fin/215470686832743 {"event":"intercom.recorder.recorded","payload":{"conversationId":"215470686832743","jamId":"9573a43b-3ec9-49ab-b7e4-bf6cfc4bdfc","recording_url":"https://jam.dev/r/rec_12345"}}
--- target_signed: S1







=== TEST 2: opted_out, enveloped
--- event
{"id":"evt_12346","type":"intercom.recorder.opted_out","created_at":"2025-09-09T12:00:00Z","data":{"conversationId":"215470686832743"}}
--- answer: 200 delivered
--- target_requests
POST /fin/215470686832743 {"event":"intercom.recorder.opted_out","payload":{"conversationId":"215470686832743"}}







=== TEST 3: recorded, flat
--- event
{"conversationId":"conversation-123","jamId":"jam-intercom-1","jamUrl":"https://jam.dev/c/jam-intercom-1"}
--- answer: 200 delivered
--- response_body_like: "type":"intercom\.recorder\.recorded"
--- target_requests
POST /fin/conversation-123 {"event":"intercom.recorder.recorded","payload":{"conversationId":"conversation-123","jamId":"jam-intercom-1","recording_url":"https://jam.dev/c/jam-intercom-1"}}







=== TEST 4: opted_out, flat
--- event: {"conversationId":"conversation-456"}
--- answer: 200 delivered
--- response_body_like: "type":"intercom\.recorder\.opted_out"
--- target_requests
POST /fin/conversation-456 {"event":"intercom.recorder.opted_out","payload":{"conversationId":"conversation-456"}}







=== TEST 5: jam.created, flat: its own type is the medium
--- event
{"jamId":"j","jamUrl":"https://jam.dev/c/j","teamId":"t","type":"video","createdAt":"x","author":{},"media":{},"systemInfo":{}}
--- answer: 200 ignored
--- response_body_like: "type":"jam\.created"
--- target_count: 0







=== TEST 6: jam.created, flat, to an endpoint without a connector
--- event
{"jamId":"j","jamUrl":"https://jam.dev/c/j","teamId":"t","type":"video","media":{}}
--- event_with: uri=/audit-in
--- answer: 200 delivered
--- target_requests
POST /audit {"jamId":"j","jamUrl":"https://jam.dev/c/j","teamId":"t","type":"video","media":{}}







=== TEST 7: a flat event with a type of its own is judged by its shape
--- event: {"type":"intercom.recorder.recorded","conversationId":"1"}
--- answer: 200 delivered
--- response_body_like: "type":"intercom\.recorder\.opted_out"







=== TEST 8: jamId alone makes it recorded
--- event: {"conversationId":"1","jamId":"j"}
--- answer: 200 delivered
--- response_body_like: "type":"intercom\.recorder\.recorded"







=== TEST 9: jamUrl alone makes it recorded
--- event: {"conversationId":"1","jamUrl":"https://jam.dev/c/j"}
--- answer: 200 delivered
--- response_body_like: "type":"intercom\.recorder\.recorded"







=== TEST 10: a renamed member is not told to Fin as opted_out
--- event: {"conversationId":"1","jam_identifier":"j"}
--- answer: 200 ignored
--- response_body_like: "type":"unknown"
--- target_count: 0







=== TEST 11: in any letter case
--- event: {"conversationId":"1","JAMLink":"j"}
--- answer: 200 ignored
--- response_body_like: "type":"unknown"
--- target_count: 0







=== TEST 12: jamId and jamUrl without a team and a conversation are unknown
--- event: {"jamId":"j","jamUrl":"https://jam.dev/c/j"}
--- answer: 200 ignored
--- response_body_like: "type":"unknown"







=== TEST 13: an empty object is unknown
--- event: {}
--- answer: 200 ignored
--- response_body_like: "type":"unknown"
--- target_count: 0







=== TEST 14: an unknown type is ordinary
--- event: {"type":"recording_link.created","data":{"a":1}}
--- answer: 200 ignored
--- response_body_like: "type":"recording_link\.created"
--- target_count: 0







=== TEST 15: and goes to those who subscribe to all
--- event: {"type":"recording_link.created","data":{"a":1}}
--- event_with: uri=/both
--- answer: 200 delivered
--- target_requests
POST /audit {"type":"recording_link.created","data":{"a":1}}







=== TEST 16: an event goes to both, to each as it wants it
--- event: {"conversationId":"7"}
--- event_with: uri=/both
--- answer: 200 delivered
--- target_requests
POST /audit {"conversationId":"7"}
POST /fin/7 {"event":"intercom.recorder.opted_out","payload":{"conversationId":"7"}}







=== TEST 17: a type counts only where data is an object: null
--- event: {"type":"intercom.recorder.recorded","data":null}
--- answer: 200 ignored
--- response_body_like: "type":"unknown"







=== TEST 18: a string
--- event: {"type":"a.b","data":"x"}
--- event_with: uri=/audit-in
--- answer: 200 delivered
--- response_body_like: "type":"unknown"







=== TEST 19: an envelope without a type is judged by its shape
--- event: {"id":"evt_1","data":{"conversationId":"1","jamId":"j"}}
--- answer: 200 delivered
--- response_body_like: "type":"intercom\.recorder\.recorded"
--- target_requests
POST /fin/1 {"event":"intercom.recorder.recorded","payload":{"conversationId":"1","jamId":"j"}}







=== TEST 20: jamhook_event_type is the type of what carries none
--- event: {"a":1}
--- event_with: uri=/typed
--- answer: 200 delivered
--- response_body_like: "type":"my\.type"







=== TEST 21: of a flat event with a type, too
--- event: {"type":"video"}
--- event_with: uri=/typed
--- answer: 200 delivered
--- response_body_like: "type":"my\.type"







=== TEST 22: the envelope's type wins over it
--- event: {"type":"a.b","data":{}}
--- event_with: uri=/typed
--- answer: 200 delivered
--- response_body_like: "type":"a\.b"







=== TEST 23: it wins over the shape
--- event: {"conversationId":"1","jamId":"j"}
--- event_with: uri=/opted
--- answer: 200 delivered
--- target_like
"event":"intercom.recorder.opted_out"







=== TEST 24: auto is what there is without it
--- event: {"conversationId":"1"}
--- event_with: uri=/auto
--- answer: 200 delivered
--- response_body_like: "type":"intercom\.recorder\.opted_out"







=== TEST 25: Fin requires conversationId
--- event eval: main::recorded('"jamId":"j"')
--- answer: 422 event_invalid
--- response_body_like: conversationId.* is missing
--- target_count: 0







=== TEST 26: null is as good as absent
--- event eval: main::recorded('"conversationId":null')
--- answer: 422 event_invalid
--- response_body_like: conversationId.* is missing







=== TEST 27: conversationId is not empty
--- event eval: main::recorded('"conversationId":""')
--- answer: 422 event_invalid
--- response_body_like: conversationId.* is empty







=== TEST 28: no array
--- event eval: main::recorded('"conversationId":["1"]')
--- answer: 422 event_invalid
--- response_body_like: conversationId.* is not a string







=== TEST 29: no truth value
--- event eval: main::recorded('"conversationId":true')
--- answer: 422 event_invalid
--- response_body_like: conversationId.* is not a string







=== TEST 30: conversationId that stands twice
--- event eval: main::recorded('"conversationId":"1","conversationId":"1"')
--- answer: 422 event_invalid
--- response_body_like: conversationId.* stands twice
--- target_count: 0







=== TEST 31: twice, once with an escape
--- event eval: main::recorded('"conversationId":"1","conversation\u0049d":"2"')
--- answer: 422 event_invalid
--- response_body_like: conversationId.* stands twice







=== TEST 32: an integer is taken as its digits
--- event eval: main::recorded('"conversationId":215470686832743')
--- answer: 200 delivered
--- target_requests
POST /fin/215470686832743 {"event":"intercom.recorder.recorded","payload":{"conversationId":"215470686832743"}}







=== TEST 33: one of 15 digits
--- event eval: main::recorded('"conversationId":999999999999999')
--- answer: 200 delivered
--- target_requests
POST /fin/999999999999999







=== TEST 34: one of 16 is refused, for digits may be lost
--- event eval: main::recorded('"conversationId":1000000000000001')
--- answer: 422 event_invalid
--- response_body_like: conversationId
--- target_count: 0







=== TEST 35: one of 20
--- event eval: main::recorded('"conversationId":18446744073709551616')
--- answer: 422 event_invalid







=== TEST 36: a fraction
--- event eval: main::recorded('"conversationId":1.5')
--- answer: 422 event_invalid







=== TEST 37: a negative number
--- event eval: main::recorded('"conversationId":-1')
--- answer: 422 event_invalid







=== TEST 38: a string of 20 digits is fine
--- event eval: main::recorded('"conversationId":"18446744073709551616"')
--- answer: 200 delivered
--- target_requests
POST /fin/18446744073709551616







=== TEST 39: conversationId of 128 characters
--- event eval: main::recorded('"conversationId":"' . 'c' x 128 . '"')
--- answer: 200 delivered
--- target_count: 1







=== TEST 40: of 129
--- event eval: main::recorded('"conversationId":"' . 'c' x 129 . '"')
--- answer: 422 event_invalid
--- response_body_like: conversationId.* is too long







=== TEST 41: conversationId with ../
--- event eval: main::recorded('"conversationId":"../admin"')
--- answer: 422 event_invalid
--- response_body_like: conversationId.* is unsafe
--- target_count: 0







=== TEST 42: with an escaped slash
--- event eval: main::recorded('"conversationId":"1\u002f2"')
--- answer: 422 event_invalid
--- target_count: 0







=== TEST 43: two dots alone
--- event eval: main::recorded('"conversationId":".."')
--- answer: 422 event_invalid
--- target_count: 0







=== TEST 44: with a question mark
--- event eval: main::recorded('"conversationId":"1?x=y"')
--- answer: 422 event_invalid
--- target_count: 0







=== TEST 45: with a per cent sign
--- event eval: main::recorded('"conversationId":"1%2f"')
--- answer: 422 event_invalid
--- target_count: 0







=== TEST 46: with a line break
--- event eval: main::recorded('"conversationId":"1\r\nX-A: b"')
--- answer: 422 event_invalid
--- target_count: 0







=== TEST 47: with \u0000
--- event eval: main::recorded('"conversationId":"1\u0000"')
--- answer: 422 event_invalid
--- response_body_like: conversationId.* is unsafe
--- target_count: 0







=== TEST 48: of letters that are not ASCII
--- event eval: main::recorded("\"conversationId\":\"\xc3\xa4\"")
--- answer: 422 event_invalid
--- target_count: 0







=== TEST 49: jamId is not empty
--- event eval: main::recorded('"conversationId":"1","jamId":""')
--- answer: 422 event_invalid
--- response_body_like: jamId.* is empty







=== TEST 50: jamId is a string
--- event eval: main::recorded('"conversationId":"1","jamId":5')
--- answer: 422 event_invalid
--- response_body_like: jamId.* is not a string







=== TEST 51: jamId may be null, and is left out
--- event eval: main::recorded('"conversationId":"1","jamId":null,"recording_url":null')
--- answer: 200 delivered
--- target_requests
POST /fin/1 {"event":"intercom.recorder.recorded","payload":{"conversationId":"1"}}







=== TEST 52: jamId of 256 bytes
--- event eval: main::recorded('"conversationId":"1","jamId":"' . 'j' x 256 . '"')
--- answer: 200 delivered







=== TEST 53: of 257
--- event eval: main::recorded('"conversationId":"1","jamId":"' . 'j' x 257 . '"')
--- answer: 422 event_invalid
--- response_body_like: jamId.* is too long







=== TEST 54: jamId that stands twice
--- event eval: main::recorded('"conversationId":"1","jamId":"a","jamId":"b"')
--- answer: 422 event_invalid
--- response_body_like: jamId.* stands twice







=== TEST 55: jamId with a control character
--- event eval: main::recorded('"conversationId":"1","jamId":"a\nb"')
--- answer: 422 event_invalid
--- response_body_like: jamId.* is unsafe







=== TEST 56: jamId that ends in \u0000
--- event eval: main::recorded('"conversationId":"1","jamId":"a\u0000b"')
--- answer: 422 event_invalid
--- response_body_like: jamId.* is unsafe







=== TEST 57: recording_url is a string
--- event eval: main::recorded('"conversationId":"1","recording_url":{}')
--- answer: 422 event_invalid
--- response_body_like: recording_url.* is not a string







=== TEST 58: recording_url is not empty
--- event eval: main::recorded('"conversationId":"1","recording_url":""')
--- answer: 422 event_invalid
--- response_body_like: recording_url.* is empty







=== TEST 59: recording_url is an absolute one
--- event eval: main::recorded('"conversationId":"1","recording_url":"/r/rec_1"')
--- answer: 422 event_invalid
--- response_body_like: recording_url.* is not an absolute http or https URL







=== TEST 60: of http or https
--- event eval: main::recorded('"conversationId":"1","recording_url":"javascript:alert(1)//"')
--- answer: 422 event_invalid
--- response_body_like: recording_url







=== TEST 61: with a host
--- event eval: main::recorded('"conversationId":"1","recording_url":"https:///r"')
--- answer: 422 event_invalid
--- response_body_like: recording_url







=== TEST 62: without spaces
--- event eval: main::recorded('"conversationId":"1","recording_url":"https://jam.dev/r /"')
--- answer: 422 event_invalid
--- response_body_like: recording_url







=== TEST 63: without control characters
--- event eval: main::recorded('"conversationId":"1","recording_url":"https://jam.dev/r\r\nX-A: b"')
--- answer: 422 event_invalid
--- response_body_like: recording_url







=== TEST 64: http is fine
--- event eval: main::recorded('"conversationId":"1","recording_url":"http://jam.dev"')
--- answer: 200 delivered
--- target_requests
POST /fin/1 {"event":"intercom.recorder.recorded","payload":{"conversationId":"1","recording_url":"http://jam.dev"}}







=== TEST 65: a URL of 2,048 bytes
--- event eval: main::recorded('"conversationId":"1","recording_url":"https://jam.dev/' . 'u' x 2032 . '"')
--- answer: 200 delivered







=== TEST 66: of 2,049
--- event eval: main::recorded('"conversationId":"1","recording_url":"https://jam.dev/' . 'u' x 2033 . '"')
--- answer: 422 event_invalid
--- response_body_like: recording_url.* is too long







=== TEST 67: jamUrl is judged as it
--- event: {"conversationId":"1","jamUrl":"ftp://jam.dev/"}
--- answer: 422 event_invalid
--- response_body_like: jamUrl.* is not an absolute http or https URL







=== TEST 68: a type with a space is refused where Fin is
--- event: {"type":"a b","data":{}}
--- answer: 422 event_invalid
--- response_body_like: type







=== TEST 69: a type of 128 characters
--- event eval: '{"type":"' . 't' x 128 . '","data":{}}'
--- answer: 200 ignored







=== TEST 70: of 129
--- event eval: '{"type":"' . 't' x 129 . '","data":{}}'
--- answer: 422 event_invalid
--- response_body_like: type.* is too long







=== TEST 71: a type that is a number
--- event: {"type":5,"data":{}}
--- answer: 422 event_invalid
--- response_body_like: type.* is not a string







=== TEST 72: a type that stands twice
--- event: {"type":"a","type":"intercom.recorder.recorded","data":{"conversationId":"1"}}
--- answer: 422 event_invalid
--- response_body_like: type.* stands twice
--- target_count: 0







=== TEST 73: data that stands twice
--- event: {"type":"intercom.recorder.recorded","data":{"conversationId":"1"},"data":{"conversationId":"2"}}
--- answer: 422 event_invalid
--- response_body_like: data.* stands twice
--- target_count: 0







=== TEST 74: an id of 257 bytes
--- event eval: '{"id":"' . 'i' x 257 . '","type":"intercom.recorder.opted_out","data":{"conversationId":"1"}}'
--- answer: 422 event_invalid
--- response_body_like: .*id.* is too long







=== TEST 75: created_at that is no string
--- event: {"created_at":1757419200,"type":"intercom.recorder.opted_out","data":{"conversationId":"1"}}
--- answer: 422 event_invalid
--- response_body_like: created_at.* is not a string







=== TEST 76: the connector's own output
--- event: {"event":"intercom.recorder.recorded","payload":{"conversationId":"1"}}
--- answer: 422 event_invalid
--- response_body_like: connector
--- target_count: 0







=== TEST 77: and that of wrap=data
--- event: {"data":{"event":"intercom.recorder.recorded","payload":{"conversationId":"1"}}}
--- answer: 422 event_invalid
--- response_body_like: connector
--- target_count: 0







=== TEST 78: also beside another endpoint, which hears nothing of it then
--- event: {"event":"intercom.recorder.recorded","payload":{"conversationId":"1"}}
--- event_with: uri=/both
--- answer: 422 event_invalid
--- target_count: 0







=== TEST 79: the whole event is refused, not Fin's part of it
--- event: {"conversationId":"../x"}
--- event_with: uri=/both
--- answer: 422 event_invalid
--- target_count: 0







=== TEST 80: a location without Fin requires nothing but an object
--- event: {"type":"intercom.recorder.recorded","data":{"conversationId":"../x","jamId":[],"recording_url":"x"}}
--- event_with: uri=/audit-in
--- answer: 200 delivered
--- target_requests
POST /audit {"type":"intercom.recorder.recorded","data":{"conversationId":"../x","jamId":[],"recording_url":"x"}}







=== TEST 81: not even a type that is one
--- event: {"type":"a b","data":{},"data":{}}
--- event_with: uri=/audit-in
--- answer: 200 delivered
--- response_body_like: "type":"unknown"







=== TEST 82: nor that it is no connector's output
--- event: {"event":"intercom.recorder.recorded","payload":{"conversationId":"1"}}
--- event_with: uri=/audit-in
--- answer: 200 delivered
--- target_count: 1







=== TEST 83: nor does Fin where it does not subscribe to recorder events
--- event: {"type":"intercom.recorder.recorded","data":{"conversationId":"../x"}}
--- event_with: uri=/created
--- answer: 200 ignored
--- target_count: 0







=== TEST 84: a new Jam without a conversation is nothing for Fin
--- event: {"jamId":"j","jamUrl":"https://jam.dev/c/j","teamId":"t"}
--- event_with: uri=/created
--- answer: 200 ignored
--- target_count: 0







=== TEST 85: one that names its conversation is
--- event: {"jamId":"j","jamUrl":"https://jam.dev/c/j","teamId":"t","intercom":{"conversationId":"8"}}
--- event_with: uri=/created
--- answer: 200 delivered
--- target_requests
POST /fin-created/8







=== TEST 86: members outside of data do not count where there is one
--- event: {"type":"intercom.recorder.opted_out","conversationId":"1","data":{}}
--- answer: 422 event_invalid
--- response_body_like: conversationId.* is missing

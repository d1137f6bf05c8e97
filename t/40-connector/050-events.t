# Which events an endpoint is sent: jamhook_events and its defaults.

use lib 't/lib';
use Jamhook;
use Jamhook::Relay;

run_tests();

__DATA__

=== TEST 1: a Fin endpoint takes recorded by default
--- fin
proxy_pass http://TARGET/p;
--- event
{"type":"intercom.recorder.recorded","data":{"conversationId":"7"}}
--- answer: 200 delivered
--- target_count: 1


=== TEST 2: a Fin endpoint takes opted_out by default
--- fin
proxy_pass http://TARGET/p;
--- event
{"type":"intercom.recorder.opted_out","data":{"conversationId":"7"}}
--- answer: 200 delivered
--- target_count: 1


=== TEST 3: a Fin endpoint takes nothing else by default
--- fin
proxy_pass http://TARGET/p;
--- event
{"type":"jam.created","data":{"conversationId":"7"}}
--- answer: 200 ignored
--- target_count: 0


=== TEST 4: nor a longer type that begins like one of its own
--- fin
proxy_pass http://TARGET/p;
--- event
{"type":"intercom.recorder.recorded.again","data":{"conversationId":"7"}}
--- answer: 200 ignored
--- target_count: 0


=== TEST 5: a plain endpoint takes all by default
--- endpoint
proxy_pass http://TARGET/a;
--- event
{"type":"anything:at/all-1_2","data":{}}
--- answer: 200 delivered
--- target_count: 1


=== TEST 6: a plain endpoint takes what has no known type
--- endpoint
proxy_pass http://TARGET/a;
--- event
{"a":1}
--- answer: 200 delivered
--- target_requests
POST /a {"a":1}


=== TEST 7: jamhook_events takes what it names
--- endpoint
jamhook_events jam.created recording_link.created;
proxy_pass http://TARGET/a;
--- event
{"type":"recording_link.created","data":{}}
--- answer: 200 delivered
--- target_count: 1


=== TEST 8: jamhook_events ignores what it does not name
--- endpoint
jamhook_events jam.created recording_link.created;
proxy_pass http://TARGET/a;
--- event
{"type":"jam.deleted","data":{}}
--- answer: 200 ignored
--- target_count: 0


=== TEST 9: a type is not a prefix of itself without a star
--- endpoint
jamhook_events jam;
proxy_pass http://TARGET/a;
--- event
{"type":"jam.created","data":{}}
--- answer: 200 ignored
--- target_count: 0


=== TEST 10: letter case counts
--- endpoint
jamhook_events jam.created;
proxy_pass http://TARGET/a;
--- event
{"type":"Jam.created","data":{}}
--- answer: 200 ignored
--- target_count: 0


=== TEST 11: a star at the end matches the rest
--- endpoint
jamhook_events intercom.*;
proxy_pass http://TARGET/a;
--- event
{"type":"intercom.recorder.paused","data":{}}
--- answer: 200 delivered
--- target_count: 1


=== TEST 12: a star matches an empty rest
--- endpoint
jamhook_events jam.created*;
proxy_pass http://TARGET/a;
--- event
{"type":"jam.created","data":{}}
--- answer: 200 delivered
--- target_count: 1


=== TEST 13: a star does not match what comes before it
--- endpoint
jamhook_events intercom.*;
proxy_pass http://TARGET/a;
--- event
{"type":"jam.intercom.created","data":{}}
--- answer: 200 ignored
--- target_count: 0


=== TEST 14: a star alone matches all
--- endpoint
jamhook_events *;
proxy_pass http://TARGET/a;
--- event
{"type":"jam.deleted","data":{}}
--- answer: 200 delivered
--- target_count: 1


=== TEST 15: one type that matches is enough
--- endpoint
jamhook_events a.b intercom.recorder.* c.d;
proxy_pass http://TARGET/a;
--- event
{"type":"intercom.recorder.opted_out","data":{}}
--- answer: 200 delivered
--- target_count: 1


=== TEST 16: a Fin endpoint can take one of the two
--- fin
jamhook_events intercom.recorder.recorded;
proxy_pass http://TARGET/p;
--- event
{"type":"intercom.recorder.opted_out","data":{"conversationId":"7"}}
--- answer: 200 ignored
--- target_count: 0


=== TEST 17: a Fin endpoint can take a third type
--- fin
jamhook_events jam.*;
proxy_pass http://TARGET/p;
--- event
{"type":"jam.created","data":{"conversationId":"7"}}
--- answer: 200 delivered
--- target_requests
POST /p/7 {"event":"jam.created","payload":{"conversationId":"7"}}


=== TEST 18: a third type without a conversation has no URL at Fin
--- fin
jamhook_events jam.*;
proxy_pass http://TARGET/p;
--- event
{"type":"jam.created","data":{"jamId":"j1"}}
--- answer: 200 ignored
--- target_count: 0


=== TEST 19: each of several endpoints gets what it takes
--- config
location = /jam { jamhook_pass fin audit jams; jamhook_verify keys/P1.key; }

location /fin {
    jamhook_endpoint fin;
    jamhook_connector intercom_fin;
    jamhook_sign off;
    proxy_pass http://TARGET/fin;
}

location = /audit {
    jamhook_endpoint audit;
    jamhook_sign off;
    proxy_pass http://TARGET/audit;
}

location = /jams {
    jamhook_endpoint jams;
    jamhook_events jam.*;
    jamhook_sign off;
    proxy_pass http://TARGET/jams;
}
--- event
{"conversationId":"7"}
--- answer: 200 delivered
--- target_requests
POST /fin/7 {"event":"intercom.recorder.opted_out","payload":{"conversationId":"7"}}
POST /audit {"conversationId":"7"}


=== TEST 20: an endpoint that the location does not pass to gets nothing
--- endpoint
proxy_pass http://TARGET/e;
--- fin
proxy_pass http://TARGET/fin;
--- passes: e
--- event
{"conversationId":"7"}
--- answer: 200 delivered
--- target_requests
POST /e {"conversationId":"7"}


=== TEST 21: the location's type counts for an event that carries none
--- config
location = /jam {
    jamhook_pass fin;
    jamhook_verify keys/P1.key;
    jamhook_event_type intercom.recorder.recorded;
}

location /fin {
    jamhook_endpoint fin;
    jamhook_connector intercom_fin;
    jamhook_sign off;
    proxy_pass http://TARGET/p;
}
--- event
{"conversationId":"7","renamedId":"j1"}
--- answer: 200 delivered
--- target_requests
POST /p/7 {"event":"intercom.recorder.recorded","payload":{"conversationId":"7"}}


=== TEST 22: an event that might be a renamed recorded one is not told as opted_out
--- fin
proxy_pass http://TARGET/p;
--- event
{"conversationId":"7","JAM_identifier":"j1"}
--- answer: 200 ignored
--- target_count: 0


=== TEST 23: what is ignored waits for nobody
--- fin
proxy_pass http://TARGET/p;
--- event
{"type":"jam.created","data":{"conversationId":"7"}}
--- target
hang
--- answer: 200 ignored
--- timeout: 8

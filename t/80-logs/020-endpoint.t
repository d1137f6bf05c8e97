# The variables in an endpoint's location: its access log (log_subrequest on),
# and what it sends.

use lib 't/lib';
use Jamhook;
use Jamhook::Conf;

Jamhook::Conf::config(q{
    location = /jam { access_log off; jamhook_pass fin; jamhook_verify keys/P1.key; }
    location = /audit-in { access_log off; jamhook_pass audit; jamhook_verify keys/P1.key; }
    location = /off { access_log off; jamhook_pass audit; jamhook_verify off; }
    location /fin {
        access_log         logs/access.log jam;
        log_subrequest     on;
        jamhook_endpoint   fin;
        jamhook_connector  intercom_fin;
        jamhook_sign       keys/S1.key;
        jamhook_timeout    2s;
        proxy_pass         http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
    location = /audit {
        access_log        logs/access.log jam;
        log_subrequest    on;
        jamhook_endpoint  audit;
        jamhook_sign      keys/S1.key;
        proxy_set_header  X-Id $jamhook_id;
        proxy_set_header  X-Jam $jamhook_jam_id;
        proxy_set_header  X-Created $jamhook_created_at;
        proxy_set_header  X-Endpoint "$jamhook_endpoint $jamhook_attempt";
        proxy_pass        http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
    location = /quiet-in { access_log off; jamhook_pass quiet; jamhook_verify keys/P1.key; }
    location = /quiet {
        access_log        logs/access.log jam;
        jamhook_endpoint  quiet;
        jamhook_sign      off;
        proxy_pass        http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
    location = /plain { access_log logs/access.log jam; return 200 "x\n"; }
});

our $all = 'all=$jamhook_id|$jamhook_event_id|$jamhook_type|'
         . '$jamhook_created_at|$jamhook_conversation_id|$jamhook_jam_id|'
         . '$jamhook_recording_url|$jamhook_endpoint|$jamhook_attempt|';

add_block_preprocessor(sub {
    $_[0]->set_value('http_config', "log_format jam '$main::all "
                     . 'status=$status '
                     . 'upstream=$upstream_status\';');
});

our $event = '{"id":"evt_1","type":"intercom.recorder.recorded",'
           . '"created_at":"2025-09-09T12:00:00Z","data":{'
           . '"conversationId":"c-1","jamId":"jam_1",'
           . '"recording_url":"https://jam.dev/r/1"}}';

# as many lines in access.log
sub access_lines {
    my ($n) = @_;

    return sub {
        my @lines = grep { /^all=/ } split /\n/,
            Jamhook::Env::slurp("$ENV{TEST_NGINX_SERVROOT}/logs/access.log");
        return @lines == $n;
    };
}

run_tests();

__DATA__

=== TEST 1: each of them
--- event eval: $main::event
--- event_with: id=msg_1
--- answer: 200 delivered
--- access eval
"all=msg_1|evt_1|intercom.recorder.recorded|2025-09-09T12:00:00Z|c-1|jam_1|https://jam.dev/r/1|fin|1| status=200 upstream=200"







=== TEST 2: a delivery is one line
--- event eval: $main::event
--- event_with: id=msg_1
--- answer: 200 delivered
--- access
all=msg_1
--- wait_for eval: main::access_lines(1)







=== TEST 3: without log_subrequest there is none
--- event: {}
--- event_with: uri=/quiet-in
--- answer: 200 delivered
--- no_access
all=







=== TEST 4: one that failed
--- event eval: $main::event
--- event_with: id=msg_1
--- target: 500
--- answer: 502 delivery_failed
--- access
~ ^all=msg_1\|.*\|fin\|1\| status=500 upstream=500$







=== TEST 5: an endpoint without a connector
--- event: {"type":"a.b","data":{"jamId":"j"}}
--- event_with: id=msg_2 uri=/audit-in
--- answer: 200 delivered
--- access
~ ^all=msg_2\|-\|a\.b\|-\|-\|j\|-\|audit\|1\| status=200 upstream=200$







=== TEST 6: they may go into headers
--- event: {"type":"a.b","data":{"jamId":"j"}}
--- event_with: id=msg_3 uri=/audit-in
--- answer: 200 delivered
--- target_headers
x-id: msg_3
x-jam: j
x-endpoint: audit 1
!x-created







=== TEST 7: a control character smuggles no header
--- event: {"created_at":"x\r\nX-Evil: 1","type":"a.b","data":{"jamId":"j\r\nX-Evil: 2"}}
--- event_with: id=msg_4 uri=/audit-in
--- answer: 200 delivered
--- target_headers
x-id: msg_4
!x-jam
!x-created
!x-evil
--- access
~ ^all=msg_4\|-\|a\.b\|-\|-\|-\|-\|audit\|1\|







=== TEST 8: where nobody verifies
--- event: {"data":{"jamId":"j"}}
--- event_with: uri=/off key=none "svix-id: msg_5"
--- answer: 200 delivered
--- access
all=msg_5|-|unknown|-|-|j|-|audit|1| status=200 upstream=200



=== TEST 9: a client there hears 404, and they are empty
--- request
POST /audit
{"id":"evt_1"}
--- error_code: 404
--- access
all=-|-|-|-|-|-|-|-|-| status=404 upstream=-
--- target_count: 0

# log_subrequest: what an access log says of a delivery, with all that nginx
# can be asked for.

use lib 't/lib';
use Jamhook;
use Jamhook::Relay;

sub access {
    my ($name) = @_;
    return split /\n/, Jamhook::Env::slurp("$ENV{TEST_NGINX_SERVROOT}/logs/"
                                           . ($name || 'deliveries.log'));
}

# --- logs: what log_format "it" is; --- logged: a line of the log, as a regex
add_block_preprocessor(sub {
    my ($block) = @_;

    my $format = $block->logs;
    return unless defined $format;
    $format =~ s/\n\z//;

    $block->set_value('http_config', ($block->http_config || '')
                      . "log_format it '$format';");

    for my $section ('endpoint', 'fin') {
        $block->set_value($section, "log_subrequest on;"
                          . "access_log logs/deliveries.log it;"
                          . $block->$section) if defined $block->$section;
    }

    my $logged = $block->logged;
    $logged =~ s/\n\z//;

    $block->set_value('wait_for', sub { grep { /$logged/ } access() });
    $block->set_value('answer', '200 delivered')
        unless defined $block->answer;
});

run_tests();

__DATA__

=== TEST 1: the variables of jamhook in an endpoint's log
--- fin
proxy_pass http://TARGET/p;
--- logs
$jamhook_id|$jamhook_event_id|$jamhook_type|$jamhook_created_at|$jamhook_conversation_id|$jamhook_jam_id|$jamhook_recording_url|$jamhook_endpoint|$jamhook_attempt|$status
--- event_with: id=msg_1
--- logged
^msg_1\|evt_12345\|intercom\.recorder\.recorded\|2025-09-09T12:00:00Z\|215470686832743\|9573a43b-3ec9-49ab-b7e4-bf6cfc4bdfc\|https://jam\.dev/r/rec_12345\|fin\|1\|200$


=== TEST 2: the request line is a POST of the location's name
--- fin
proxy_pass http://TARGET/p;
--- logs
"$request" $request_uri $request_method $server_protocol
--- logged
^"POST /fin HTTP/1\.1" /fin POST HTTP/1\.1$


=== TEST 3: the combined format has no conversation
--- http_config
log_subrequest on;
--- fin
access_log logs/combined.log combined;
proxy_pass http://TARGET/s3cr3t;
--- answer: 200 delivered
--- wait_for eval
sub { grep { /POST \/fin HTTP\/1.1" 200/ && !/215470686832743|s3cr3t/ }
      main::access('combined.log') }


=== TEST 4: one line for each delivery, and none for the shell around it
--- endpoint
proxy_pass http://TARGET/a;
--- logs
$jamhook_id-$uri
--- event_with: id=msg_4
--- logged
^msg_4-/e$
--- target_check
is(scalar main::access(), 1, 'one line');


=== TEST 5: without log_subrequest there is none
--- endpoint
access_log logs/deliveries.log;
proxy_pass http://TARGET/a;
--- answer: 200 delivered
--- target_check
is(scalar main::access(), 0, 'no line');


=== TEST 6: the upstream's variables
--- endpoint
proxy_pass http://TARGET/a;
--- target
201 delay=50ms bytes=1000
--- logs
$upstream_addr|$upstream_status|$upstream_response_time|$upstream_connect_time|$upstream_header_time|$upstream_bytes_sent|$upstream_bytes_received|$upstream_response_length|$upstream_http_content_type|$upstream_cache_status
--- logged
^127\.0\.0\.1:\d+\|201\|\d+\.\d\d\d\|\d+\.\d\d\d\|\d+\.\d\d\d\|\d{3}\|1\d{3}\|\d+\|application/json\|-$


=== TEST 7: what belongs to a client is there, or empty
--- endpoint
proxy_pass http://TARGET/a;
--- logs
$remote_addr|$remote_port|$realip_remote_addr|$realip_remote_port|$server_addr|$server_port|$connection|$connection_requests|$proxy_add_x_forwarded_for|$scheme|$https|$host|$hostname|$server_name|$remote_user
--- logged
^127\.0\.0\.1\|\|127\.0\.0\.1\|\|127\.0\.0\.1\|\|\d+\|1\|127\.0\.0\.1\|http\|\|localhost\|


=== TEST 8: binary_remote_addr
--- endpoint
proxy_pass http://TARGET/a;
--- logs
[$binary_remote_addr]
--- logged
^\[\\x7F\\x00\\x00\\x01\]$


=== TEST 9: times
--- endpoint
proxy_pass http://TARGET/a;
--- logs
$request_time|$msec|$time_local|$time_iso8601|$connection_time
--- logged
^\d+\.\d{3}\|\d{10}\.\d{3}\|


=== TEST 10: lengths and bytes
--- endpoint
proxy_pass http://TARGET/a;
--- logs
$request_length|$bytes_sent|$body_bytes_sent|$content_length|$content_type|$pipe|$request_completion
--- logged
^\d+\|\d+\|\d+\|\d+\|application/json\|


=== TEST 11: TLS and TCP of a client that is none
--- endpoint
proxy_pass http://TARGET/a;
--- logs
$ssl_protocol|$ssl_cipher|$ssl_server_name|$ssl_session_id|$ssl_client_s_dn|$ssl_client_verify|$ssl_early_data|$tcpinfo_rtt|$tcpinfo_rttvar|$tcpinfo_snd_cwnd|$tcpinfo_rcv_space
--- logged
^(-\|){10}-$


=== TEST 12: the request's headers and body
--- endpoint
jamhook_sign keys/S1.key;
proxy_pass http://TARGET/a;
--- logs
$http_user_agent|$http_webhook_id|$http_idempotency_key|$http_cookie|$http_host|$cookie_a|$request_body|$request_body_file
--- event_with: id=msg_12 "Cookie: a=b"
--- event
{"a":1}
--- logged
^jamhook/[\d.]+\|msg_12\|[0-9a-f-]{36}\|-\|-\|-\|\{\\x22a\\x22:1\}\|-$


=== TEST 13: the rest of what the core knows
--- endpoint
proxy_pass http://TARGET/a;
--- logs
$args|$is_args|$arg_x|$query_string|$document_uri|$document_root|$realpath_root|$request_filename|$limit_rate|$nginx_version|$pid|$request_id|$proxy_host|$proxy_port|$proxy_protocol_addr|$proxy_protocol_port|$sent_http_content_type|$sent_trailer_x|$uid_got|$uid_set|$gzip_ratio|$invalid_referer|$slice_range|$limit_req_status|$limit_conn_status|$date_gmt|$ssl_client_raw_cert|$proxy_internal_body_length
--- logged
^-\|


=== TEST 14: geo, map and split_clients
--- http_config
geo $geo { default far; 127.0.0.0/8 near; }
geo $proxied { proxy 127.0.0.1; default none; }
map $jamhook_type $short { ~recorded$ rec; default other; }
split_clients "${remote_addr}x" $part { 100% all; }
--- endpoint
proxy_pass http://TARGET/a;
--- logs
$geo|$proxied|$short|$part
--- logged
^near\|none\|rec\|all$


=== TEST 15: a delivery that failed has its status
--- endpoint
proxy_pass http://REFUSED/a;
--- logs
$status|$upstream_status|$jamhook_id
--- event_with: id=msg_15
--- answer: 502 delivery_failed
--- logged
^502\|502\|msg_15$


=== TEST 16: a delivery that timed out has its line
--- endpoint
jamhook_timeout 200ms;
proxy_pass http://TARGET/a;
--- target
hang
--- logs
$status|$jamhook_id|$request_time
--- event_with: id=msg_16
--- answer: 504 delivery_failed
--- logged
^504\|msg_16\|\d+\.\d+$


=== TEST 17: a delivery that the location's return answered
--- endpoint
return 204;
proxy_pass http://TARGET/a;
--- logs
$status|$jamhook_id
--- event_with: id=msg_17
--- answer: 502 delivery_failed
--- logged
^204\|msg_17$


=== TEST 18: a log by a condition
--- endpoint
proxy_pass http://TARGET/a;
--- logs
$jamhook_id
--- config
access_log logs/other.log it if=$jamhook_id;
log_subrequest on;
--- event_with: id=msg_18
--- logged
^msg_18$


=== TEST 19: escape=json
--- http_config
log_format json escape=json '{"id":"$jamhook_id","jam":"$jamhook_jam_id"}';
--- endpoint
log_subrequest on;
access_log logs/deliveries.log json;
proxy_pass http://TARGET/a;
--- event
{"type":"intercom.recorder.recorded","data":{"conversationId":"7","jamId":"a\"b\\c"}}
--- event_with: id=msg_19
--- answer: 200 delivered
--- wait_for eval
sub { grep { $_ eq '{"id":"msg_19","jam":"a\"b\\\\c"}' } main::access() }


=== TEST 20: what holds a control character is empty
--- http_config
log_format raw escape=none 'id $jamhook_jam_id.';
--- endpoint
log_subrequest on;
access_log logs/deliveries.log raw;
proxy_set_header X-Jam $jamhook_jam_id;
proxy_pass http://TARGET/a;
--- event
{"type":"intercom.recorder.recorded","data":{"conversationId":"7","jamId":"a\r\nX-Evil: 1"}}
--- answer: 200 delivered
--- target_headers
!x-evil
!x-jam
--- wait_for eval
sub { grep { $_ eq 'id .' || $_ eq 'id -.' } main::access() }


=== TEST 21: the ingest location's line has the result
--- http_config
log_format in '$status|$jamhook_id|$jamhook_result|$jamhook_type|$jamhook_endpoint|$jamhook_key';
--- config
location = /jam {
    access_log logs/in.log in;
    jamhook_pass e;
    jamhook_verify keys/P1.key;
}
location = /e { jamhook_endpoint e; jamhook_sign off; proxy_pass http://TARGET/a; }
--- event
{"conversationId":"7"}
--- event_with: id=msg_21
--- answer: 200 delivered
--- wait_for eval
sub { grep { /^200\|msg_21\|delivered\|intercom.recorder.opted_out\|-\|[0-9a-f]+$/ }
      main::access('in.log') }


=== TEST 22: and the code of a failure
--- http_config
log_format in '$status|$jamhook_id|$jamhook_result';
--- config
location = /jam {
    access_log logs/in.log in;
    jamhook_pass e;
    jamhook_verify keys/P1.key;
}
location = /e { jamhook_endpoint e; jamhook_sign off; proxy_pass http://TARGET/a; }
--- event
{"conversationId":"7"}
--- event_with: id=msg_22
--- target
429
--- answer: 503 unavailable
--- wait_for eval
sub { grep { $_ eq '503|msg_22|unavailable' } main::access('in.log') }

# The headers of a delivery, and its signatures.

use lib 't/lib';
use Jamhook;
use Jamhook::Relay;

use Digest::SHA qw(sha1);

our $Uuid = qr/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}
               -[0-9a-f]{12}$/x;

# RFC 9562, section 5.5
sub uuid5 {
    my ($name) = @_;

    my $url = pack 'H*', '6ba7b8119dad11d180b400c04fd430c8';
    my @b = unpack 'C16', sha1($url . $name);

    $b[6] = $b[6] & 0x0f | 0x50;
    $b[8] = $b[8] & 0x3f | 0x80;

    return join '-', unpack 'A8 A4 A4 A4 A12', unpack 'H*', pack 'C16', @b;
}

run_tests();

__DATA__

=== TEST 1: a delivery says what it is and who sends it
--- fin
proxy_pass http://TARGET/p;
--- event
{"conversationId":"7"}
--- answer: 200 delivered
--- target_headers
content-type: application/json
content-length: 72
user-agent: ~ ^jamhook/\d+\.\d+\.\d+$
!transfer-encoding
!accept
!accept-encoding


=== TEST 2: a plain endpoint's has the same
--- endpoint
proxy_pass http://TARGET/a;
--- event
{"conversationId":"7"}
--- event_with: type="application/json; charset=utf-8"
--- answer: 200 delivered
--- target_headers
content-type: application/json
content-length: 22
user-agent: ~ ^jamhook/\d+\.\d+\.\d+$
!transfer-encoding


=== TEST 3: nothing else is in it, but nginx's Connection before 1.29.7
--- endpoint
proxy_pass http://TARGET/a;
--- event
{"conversationId":"7"}
--- answer: 200 delivered
--- target_check
is_deeply([sort grep { $_ ne 'connection' }
               map { lc $_->[0] } @{ $requests[0]{headers} }],
          [qw(content-length content-type host idempotency-key
              user-agent)], 'names');


=== TEST 4: a signed one adds the three headers and no more
--- endpoint
jamhook_sign keys/S1.key;
proxy_pass http://TARGET/a;
--- event
{"conversationId":"7"}
--- answer: 200 delivered
--- target_check
is_deeply([sort grep { $_ ne 'connection' }
               map { lc $_->[0] } @{ $requests[0]{headers} }],
          [qw(content-length content-type host idempotency-key
              user-agent webhook-id webhook-signature webhook-timestamp)],
          'names');


=== TEST 5: none of the sender's headers goes on
--- endpoint
jamhook_sign keys/S1.key;
proxy_pass http://TARGET/a;
--- event
{"conversationId":"7"}
--- event_with
"Cookie: a=b" "Authorization: Bearer secret" "Proxy-Authorization: Basic eA=="
"X-Api-Key: k" "X-Forwarded-For: 192.0.2.1" "X-Real-IP: 192.0.2.1"
"X-Custom: 1" "Accept: */*" "Accept-Encoding: gzip" "Accept-Language: fr"
"Referer: http://other" "Origin: http://other" "Via: 1.1 proxy" "Range: bytes=0-1"
"If-Modified-Since: Tue, 09 Sep 2025 12:00:00 GMT" "If-None-Match: x"
"User-Agent: Svix-Webhooks/1.24" "Idempotency-Key: theirs" "TE: trailers"
"Expect:" "X-HTTP-Method-Override: DELETE" "traceparent: 00-1-2-01"
--- answer: 200 delivered
--- target_headers
!cookie
!authorization
!proxy-authorization
!x-api-key
!x-forwarded-for
!x-real-ip
!x-custom
!accept
!accept-encoding
!accept-language
!referer
!origin
!via
!range
!if-modified-since
!if-none-match
!te
!expect
!x-http-method-override
!traceparent
!svix-id
!svix-timestamp
!svix-signature
user-agent: ~ ^jamhook/
idempotency-key: ~ ^[0-9a-f-]{36}$
--- target_unlike
theirs
Svix-Webhooks


=== TEST 6: the sender's webhook- headers do not go on either
--- endpoint
proxy_pass http://TARGET/a;
--- event
{"conversationId":"7"}
--- event_with: family=webhook
--- answer: 200 delivered
--- target_headers
!webhook-id
!webhook-timestamp
!webhook-signature


=== TEST 7: the Host is the target's
--- endpoint
proxy_pass http://TARGET/a;
--- event
{"conversationId":"7"}
--- event_with: "Host: hooks.example.com"
--- answer: 200 delivered
--- target_check
is(Jamhook::Target::header($requests[0], 'host'),
   "127.0.0.1:$ENV{TEST_NGINX_TARGET_PORT}", 'host');


=== TEST 8: proxy_set_header adds and replaces
--- endpoint
jamhook_sign keys/S1.key;
proxy_set_header Authorization "Bearer mine";
proxy_set_header X-Event $jamhook_id;
proxy_set_header X-Type $jamhook_type;
proxy_pass http://TARGET/a;
--- event
{"conversationId":"7"}
--- event_with: id=msg_8
--- answer: 200 delivered
--- target_headers
authorization: Bearer mine
x-event: msg_8
x-type: intercom.recorder.opted_out
--- target_signed: S1


=== TEST 9: the idempotency key is the UUID version 5 of id and endpoint
--- endpoint
proxy_pass http://TARGET/a;
--- event
{"conversationId":"7"}
--- event_with: id=msg_2KWPBgLlAfxdpx2AI54pPJ85f4W
--- answer: 200 delivered
--- target_check
my $key = Jamhook::Target::header($requests[0], 'idempotency-key');
is($key, uuid5('jamhook:msg_2KWPBgLlAfxdpx2AI54pPJ85f4W/e'), 'key');
like($key, $::Uuid, 'a UUID');


=== TEST 10: a UUID that another implementation made (Python)
--- endpoint
proxy_pass http://TARGET/a;
--- event
{"conversationId":"7"}
--- event_with: id=msg_1
--- answer: 200 delivered
--- target_headers
idempotency-key: 306365a7-a2d7-5cff-afb7-aedff1479adf


=== TEST 11: each endpoint has an idempotency key of its own
--- endpoint
proxy_pass http://TARGET/e;
--- fin
proxy_pass http://TARGET/fin;
--- event
{"conversationId":"7"}
--- event_with: id=msg_3
--- answer: 200 delivered
--- target_check
my %key = map { $_->{path} => Jamhook::Target::header($_, 'idempotency-key') }
          @requests;
is_deeply(\%key, { '/e' => uuid5('jamhook:msg_3/e'),
                   '/fin/7' => uuid5('jamhook:msg_3/fin') }, 'keys');


=== TEST 12: the same event again has the same idempotency key
--- endpoint
jamhook_sign keys/S1.key;
proxy_pass http://TARGET/a;
--- config
location = /twice {
    mirror /jam;
    jamhook_pass e;
    jamhook_verify keys/P1.key;
}
--- event
{"conversationId":"7"}
--- event_with: uri=/twice id=msg_4
--- answer: 200 delivered
--- target_count: 2
--- target_headers
idempotency-key: 57ed00ea-e5d5-5ae8-89d3-dc6a57c56ed5
webhook-id: msg_4


=== TEST 13: v1 signatures under webhook- names
--- fin
jamhook_sign keys/S1.key;
proxy_pass http://TARGET/p;
--- event_with: id=msg_5
--- answer: 200 delivered
--- target_signed: S1 webhook
--- target_headers
webhook-id: msg_5
webhook-timestamp: ~ ^\d{10}$
webhook-signature: ~ ^v1,[A-Za-z0-9+/]{43}=$
!svix-id
!svix-timestamp
!svix-signature


=== TEST 14: the signature holds over the bytes of a plain body
--- endpoint
jamhook_sign keys/S1.key;
proxy_pass http://TARGET/a;
--- event eval
" {\"a\" :\"caf\xc3\xa9\"}\n "
--- answer: 200 delivered
--- target_signed: S1


=== TEST 15: prefix=webhook is the default
--- endpoint
jamhook_sign keys/S1.key prefix=webhook;
proxy_pass http://TARGET/a;
--- answer: 200 delivered
--- target_signed: S1 webhook
--- target_headers
!svix-id
!svix-timestamp
!svix-signature


=== TEST 16: prefix=svix names them svix-
--- endpoint
jamhook_sign keys/S1.key prefix=svix;
proxy_pass http://TARGET/a;
--- event_with: family=webhook id=msg_6
--- answer: 200 delivered
--- target_signed: S1 svix
--- target_headers
svix-id: msg_6
!webhook-id
!webhook-timestamp
!webhook-signature


=== TEST 17: a whsk_ key gives a v1a token
--- endpoint
jamhook_sign keys/P4_secret.key;
proxy_pass http://TARGET/a;
--- answer: 200 delivered
--- target_signed: P4_public
--- target_headers
webhook-signature: ~ ^v1a,[A-Za-z0-9+/]{86}==$


=== TEST 18: several keys give several tokens in one header
--- endpoint
jamhook_sign keys/turn.key;
proxy_pass http://TARGET/a;
--- keys eval
">>> turn.key\n# old\n$Jamhook::Sign::KEYS{S1}\n\n# new\n"
. "$Jamhook::Sign::KEYS{S2}\n"
--- answer: 200 delivered
--- target_signed: S1+S2
--- target_headers
webhook-signature: ~ ^v1,[A-Za-z0-9+/]{43}= v1,[A-Za-z0-9+/]{43}=$


=== TEST 19: keys of both kinds stand in one header
--- endpoint
jamhook_sign keys/turn.key;
proxy_pass http://TARGET/a;
--- keys eval
">>> turn.key\n$Jamhook::Sign::KEYS{S1}\n$Jamhook::Sign::KEYS{P4_secret}\n"
. "$Jamhook::Sign::KEYS{S2}\n"
--- answer: 200 delivered
--- target_signed: S1+P4_public+S2
--- target_headers
webhook-signature: ~ ^v1,\S{44} v1a,\S{88} v1,\S{44}$


=== TEST 20: each endpoint signs with its own keys
--- config
location = /jam { jamhook_pass a b; jamhook_verify keys/P1.key; }

location = /a {
    jamhook_endpoint a;
    jamhook_sign keys/S1.key;
    proxy_pass http://TARGET/a;
}

location = /b {
    jamhook_endpoint b;
    jamhook_sign keys/S2.key;
    proxy_pass http://TARGET/b;
}
--- event
{"conversationId":"7"}
--- answer: 200 delivered
--- target_check
for (@requests) {
    my ($key) = $_->{path} eq '/a' ? 'S1' : 'S2';
    is(Jamhook::Sign::fault($_, 'webhook', $key), undef, $_->{path});
}
is(@requests, 2, 'two');


=== TEST 21: the timestamp is that of the delivery, not of the event
--- endpoint
jamhook_sign keys/S1.key;
proxy_pass http://TARGET/a;
--- event
{"conversationId":"7"}
--- event_with: ts=-200
--- answer: 200 delivered
--- target_check
my $ts = Jamhook::Target::header($requests[0], 'webhook-timestamp');
cmp_ok(abs($requests[0]{at} - $ts), '<=', 2, 'now');


=== TEST 22: sign off sends none of the three
--- endpoint
jamhook_sign off;
proxy_pass http://TARGET/a;
--- answer: 200 delivered
--- target_headers
!webhook-id
!webhook-timestamp
!webhook-signature
!svix-id
!svix-timestamp
!svix-signature
idempotency-key:


=== TEST 23: the id of an event that nobody signed is its envelope's
--- config
location = /jam { jamhook_pass e; jamhook_verify off; }

location = /e {
    jamhook_endpoint e;
    jamhook_sign keys/S1.key;
    proxy_pass http://TARGET/a;
}
--- event
{"id":"evt_7","type":"x.y","data":{}}
--- event_with: key=none
--- answer: 200 delivered
--- target_signed: S1
--- target_headers
webhook-id: evt_7
--- target_check
is(Jamhook::Target::header($requests[0], 'idempotency-key'),
   uuid5('jamhook:evt_7/e'), 'key');


=== TEST 24: an endpoint's name of 64 characters is all in the idempotency key
--- config
location = /jam {
    jamhook_pass 0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-;
    jamhook_verify keys/P1.key;
}

location = /e {
    jamhook_endpoint
        0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-;
    jamhook_sign off;
    proxy_pass http://TARGET/a;
}
--- event
{"conversationId":"7"}
--- event_with eval
'id=' . ('0123456789abcdef' x 16)
--- answer: 200 delivered
--- target_check
is(Jamhook::Target::header($requests[0], 'idempotency-key'),
   uuid5('jamhook:' . ('0123456789abcdef' x 16) . '/'
         . '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-'),
   'key');

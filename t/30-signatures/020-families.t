# svix- and webhook-: one complete set counts, svix first; no mixing.

use lib 't/lib';
use Jamhook;
use Jamhook::Conf;

Jamhook::Conf::config(q{
    location = /jam { jamhook_pass audit; jamhook_verify keys/P1.key; }
    location = /audit {
        jamhook_endpoint  audit;
        jamhook_sign      keys/S1.key;
        proxy_pass        http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
});

# the headers of these sets, each a family with key and id; "-" takes one away
sub event {
    my ($sets, @without) = @_;

    my @headers = map {
        my ($family, $key, $id) = @$_;
        Jamhook::Sign::headers(family => $family, key => $key, id => $id,
                               timestamp => time, body => '{"a":1}');
    } @$sets;

    return Jamhook::event(body => '{"a":1}', key => 'none',
                          with => join(' ', map { "without=$_" } @without),
                          headers => \@headers);
}

run_tests();

__DATA__

=== TEST 1: svix- alone
--- raw_request eval: main::event([['svix', 'P1', 'msg_s']])
--- answer: 200 delivered
--- response_body_like: "id":"msg_s"







=== TEST 2: webhook- alone
--- raw_request eval: main::event([['webhook', 'P1', 'msg_w']])
--- answer: 200 delivered
--- response_body_like: "id":"msg_w"
--- target_headers
webhook-id: msg_w







=== TEST 3: both, and svix- counts
--- raw_request eval: main::event([['webhook', 'P1', 'msg_w'], ['svix', 'P1', 'msg_s']])
--- answer: 200 delivered
--- response_body_like: "id":"msg_s"







=== TEST 4: both, and svix- alone holds
--- raw_request eval: main::event([['webhook', 'P2', 'msg_w'], ['svix', 'P1', 'msg_s']])
--- answer: 200 delivered
--- response_body_like: "id":"msg_s"







=== TEST 5: both, and webhook- alone holds: svix- counts
--- raw_request eval: main::event([['svix', 'P2', 'msg_s'], ['webhook', 'P1', 'msg_w']])
--- answer: 401 signature_invalid
--- target_count: 0







=== TEST 6: svix- without its id, and webhook- whole
--- raw_request eval: main::event([['svix', 'P2', 'msg_s'], ['webhook', 'P1', 'msg_w']], 'svix-id')
--- answer: 200 delivered
--- response_body_like: "id":"msg_w"







=== TEST 7: svix- without its timestamp, and webhook- whole
--- raw_request eval: main::event([['svix', 'P2', 'msg_s'], ['webhook', 'P1', 'msg_w']], 'svix-timestamp')
--- answer: 200 delivered
--- response_body_like: "id":"msg_w"







=== TEST 8: svix- without its signature, and webhook- whole
--- raw_request eval: main::event([['svix', 'P2', 'msg_s'], ['webhook', 'P1', 'msg_w']], 'svix-signature')
--- answer: 200 delivered
--- response_body_like: "id":"msg_w"







=== TEST 9: no mixing: svix-id of one set, the rest of the other
--- raw_request eval: main::event([['svix', 'P1', 'msg_1'], ['webhook', 'P1', 'msg_1']], 'svix-signature', 'webhook-id')
--- answer: 401 signature_missing
--- target_count: 0







=== TEST 10: no mixing: the signature of the other set
--- raw_request eval: main::event([['svix', 'P1', 'msg_1'], ['webhook', 'P1', 'msg_1']], 'svix-signature', 'webhook-timestamp')
--- answer: 401 signature_missing
--- target_count: 0







=== TEST 11: no mixing: the timestamp of the other set
--- raw_request eval: main::event([['svix', 'P1', 'msg_1'], ['webhook', 'P1', 'msg_1']], 'svix-timestamp', 'webhook-signature')
--- answer: 401 signature_missing
--- target_count: 0







=== TEST 12: a malformed svix-id, and webhook- whole: svix- counts
--- raw_request eval: main::event([['svix', 'P1', 'msg.s'], ['webhook', 'P1', 'msg_w']])
--- answer: 401 signature_missing
--- target_count: 0







=== TEST 13: a doubled svix-id, and webhook- whole
--- raw_request eval: main::event([['svix', 'P1', 'msg_s'], ['webhook', 'P1', 'msg_w']]) =~ s/(svix-id: msg_s\r\n)/$1$1/r
--- answer: 401 signature_missing
--- target_count: 0







=== TEST 14: svix- whole, and a doubled webhook-signature
--- raw_request eval: main::event([['svix', 'P1', 'msg_s'], ['webhook', 'P1', 'msg_w']]) =~ s/(webhook-signature: [^\n]+\n)/$1$1/r
--- answer: 401 signature_missing
--- target_count: 0







=== TEST 15: names that only begin as ours do are others
--- raw_request eval: main::event([['svix', 'P1', 'msg_1']]) =~ s/svix-id:/svix-idx:/r
--- answer: 401 signature_missing







=== TEST 16: so are those of other senders
--- raw_request eval: main::event([['x-jam', 'P1', 'msg_1']])
--- answer: 401 signature_missing

# Lists of tokens, versions, keys and rotation. $jamhook_key is the fingerprint
# of the key that matched: SHA-256 over "jamhook:" and the key's bytes (of
# Ed25519 the public one), its first 8 hexadecimal digits.

use lib 't/lib';
use Jamhook;
use Jamhook::Conf;

Jamhook::Conf::config(q{
    access_log  logs/access.log jam;

    location = /jam { jamhook_pass audit; jamhook_verify keys/P1.key; }
    location = /both { jamhook_pass audit; jamhook_verify keys/both.key; }
    location = /public { jamhook_pass audit; jamhook_verify keys/P4_public.key; }
    location = /secret { jamhook_pass audit; jamhook_verify keys/P4_secret.key; }
    location = /mixed { jamhook_pass audit; jamhook_verify keys/mixed.key; }
    location = /audit {
        jamhook_endpoint  audit;
        jamhook_sign      keys/S1.key;
        proxy_pass        http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
});

our %is = map { $_ => 'key=' . Jamhook::Conf::fingerprint($_) . ' ' }
          qw(P1 P2 P3 P4_public);

# an event whose signature header is made of "P1" (a right token of that key)
# and of what else there is
sub event {
    my ($uri, $tokens, %e) = @_;

    my $now = time;
    my $signature = $tokens =~ s/\b(P[1-4])\b/Jamhook::Sign::token($1, 'msg_1',
                                                    $now, '{"a":1}')/gre;

    return Jamhook::event(body => '{"a":1}', id => 'msg_1', timestamp => $now,
                          at => $now, uri => $uri, signature => $signature, %e);
}

add_block_preprocessor(sub {
    $_[0]->set_value('http_config', q{
        log_format jam 'key=$jamhook_key result=$jamhook_result';
    });
    $_[0]->set_value('keys', ">>> mixed.key\n"
        . join "\n", map({ $Jamhook::Sign::KEYS{$_} } qw(P1 P4_public P3)), '');
});

run_tests();

__DATA__

=== TEST 1: a token of the key
--- raw_request eval: main::event('/jam', 'P1')
--- answer: 200 delivered
--- access eval: $main::is{P1} . 'result=delivered'







=== TEST 2: of another key
--- raw_request eval: main::event('/jam', 'P2')
--- answer: 401 signature_invalid
--- access
key=- result=signature_invalid







=== TEST 3: the right one is the last of eleven
--- raw_request eval: main::event('/jam', CORE::join ' ', ('P2', 'P3') x 5, 'P1')
--- answer: 200 delivered







=== TEST 4: the first of eleven
--- raw_request eval: main::event('/jam', CORE::join ' ', 'P1', ('P2', 'P3') x 5)
--- answer: 200 delivered







=== TEST 5: none of eleven
--- raw_request eval: main::event('/jam', CORE::join ' ', ('P2', 'P3') x 5, 'P2')
--- answer: 401 signature_invalid







=== TEST 6: several spaces
--- raw_request eval: main::event('/jam', 'P2   P1  P3')
--- answer: 200 delivered







=== TEST 7: unknown versions are skipped
--- raw_request eval: main::event('/jam', 'v2,AAAA v0,x v1b,y P1')
--- answer: 200 delivered







=== TEST 8: tokens without a comma are skipped
--- raw_request eval: main::event('/jam', 'v1 AAAA v1a P1')
--- answer: 200 delivered







=== TEST 9: empty tokens are skipped
--- raw_request eval: main::event('/jam', 'v1, , ,v1 P1')
--- answer: 200 delivered







=== TEST 10: tokens with two commas are skipped
--- raw_request eval: main::event('/jam', 'v1,,AAAA P1')
--- answer: 200 delivered







=== TEST 11: a comma is not what separates tokens
--- raw_request eval: main::event('/jam', 'P2,P1')
--- answer: 401 signature_invalid







=== TEST 12: nor a tabulator
--- raw_request eval: main::event('/jam', "P2\tP1")
--- answer: 401 signature_invalid







=== TEST 13: a version in capitals is unknown
--- raw_request eval: main::event('/jam', 'P1') =~ s/: v1,/: V1,/r
--- answer: 401 signature_invalid







=== TEST 14: the first half of the right one
--- raw_request eval: main::event('/jam', 'P1') =~ s/(: v1,.{22})[^\r]+/$1/r
--- answer: 401 signature_invalid







=== TEST 15: the right one without its padding
--- raw_request eval: main::event('/jam', 'P1') =~ s/(: v1,[^\r]+)=/$1/r
--- answer: 401 signature_invalid







=== TEST 16: the right one and more
--- raw_request eval: main::event('/jam', 'P1') =~ s/(: v1,[^\r]+)/$1AAAA/r
--- answer: 401 signature_invalid







=== TEST 17: the right one in the URL alphabet where that makes a difference
--- raw_request eval
my ($e, $token);
for my $n (1 .. 200) {
    my $now = time;
    $token = Jamhook::Sign::token('P1', "msg_$n", $now, '{}');
    $e = Jamhook::event(body => '{}', id => "msg_$n", timestamp => $now, at => $now, signature => $token =~ tr|+/|-_|r);
    last if $token =~ m|[+/]|;
}
$e
--- answer: 401 signature_invalid







=== TEST 18: the last character's spare bits do not count as right
--- raw_request eval
my $e = main::event('/jam', 'P1');
my $abc = CORE::join '', 'A' .. 'Z', 'a' .. 'z', 0 .. 9, '+/';
$e =~ s{(: v1,[^\r]+)(.)=}{$1 . substr($abc, index($abc, $2) ^ 1, 1) . '='}er
--- answer: 401 signature_invalid







=== TEST 19: two keys: the old one
--- raw_request eval: main::event('/both', 'P1')
--- answer: 200 delivered
--- access eval: $main::is{P1} . 'result=delivered'
--- no_access eval: $main::is{P2}







=== TEST 20: two keys: the new one
--- raw_request eval: main::event('/both', 'P2')
--- answer: 200 delivered
--- access eval: $main::is{P2} . 'result=delivered'
--- no_access eval: $main::is{P1}







=== TEST 21: two keys, and the sender signs with both
--- raw_request eval: main::event('/both', 'P2 P1')
--- answer: 200 delivered
--- access
~ ^key=[0-9a-f]{8} result=delivered$







=== TEST 22: two keys: neither
--- raw_request eval: main::event('/both', 'P3')
--- answer: 401 signature_invalid
--- access
key=- result=signature_invalid







=== TEST 23: v1a by a public key
--- raw_request eval: main::event('/public', 'P4')
--- answer: 200 delivered
--- access eval: $main::is{P4_public} . 'result=delivered'







=== TEST 24: v1a by the private key shows the same fingerprint
--- raw_request eval: main::event('/secret', 'P4')
--- answer: 200 delivered
--- access eval: $main::is{P4_public} . 'result=delivered'







=== TEST 25: v1a after tokens of other kinds
--- raw_request eval: main::event('/public', 'P1 v1a v1a, v1a,AAAA P4')
--- answer: 200 delivered







=== TEST 26: v1 does not hold by a public key
--- raw_request eval: main::event('/public', 'P1')
--- answer: 401 signature_invalid







=== TEST 27: v1a does not hold by a secret
--- raw_request eval: main::event('/jam', 'P4')
--- answer: 401 signature_invalid







=== TEST 28: v1a under the name of v1
--- raw_request eval: main::event('/mixed', 'P4') =~ s/: v1a,/: v1,/r
--- answer: 401 signature_invalid







=== TEST 29: v1 under the name of v1a
--- raw_request eval: main::event('/mixed', 'P1') =~ s/: v1,/: v1a,/r
--- answer: 401 signature_invalid







=== TEST 30: v1a with a bit turned
--- raw_request eval: main::event('/public', 'P4') =~ s{(: v1a,.{20})(.)}{$1 . ($2 eq 'A' ? 'B' : 'A')}er
--- answer: 401 signature_invalid







=== TEST 31: keys of both kinds in one file: Ed25519
--- raw_request eval: main::event('/mixed', 'P4')
--- answer: 200 delivered
--- access eval: $main::is{P4_public} . 'result=delivered'







=== TEST 32: the last of three
--- raw_request eval: main::event('/mixed', 'P3')
--- answer: 200 delivered
--- access eval: $main::is{P3} . 'result=delivered'







=== TEST 33: none of three
--- raw_request eval: main::event('/mixed', 'P2')
--- answer: 401 signature_invalid

# modes: plain san palloc
#
# Key files of jamhook_verify and jamhook_sign. What all blocks say beside
# that: no part of a key is told (see Jamhook::Conf).

use lib 't/lib';
use Jamhook;
use Jamhook::Conf;

# a configuration whose one jamhook_verify (or jamhook_sign) names this file
sub verify {
    my ($file) = @_;

    return "\$TEST_NGINX_FIN location = /jam { jamhook_pass fin;\n"
           . "jamhook_verify $file;\n}";
}

sub sign {
    my ($file) = @_;

    return "location = /jam { jamhook_pass audit; jamhook_verify keys/P1.key;\n"
           . "}\nlocation = /audit { jamhook_endpoint audit;\n"
           . "jamhook_sign $file;\n"
           . "proxy_pass http://127.0.0.1:\$TEST_NGINX_TARGET_PORT; }";
}

our $P1 = $Jamhook::Sign::KEYS{P1};
our $P2 = $Jamhook::Sign::KEYS{P2};
our $P4 = $Jamhook::Sign::KEYS{P4_secret};
our $P4_public = $Jamhook::Sign::KEYS{P4_public};

run_tests();

__DATA__

=== TEST 1: a file that does not exist is refused
--- config eval: main::verify('keys/none.key')
--- refused
~ the key file "/\S+/conf/keys/none\.key" of "jamhook_verify" cannot be opened \(2: No such file or directory\)
at jamhook_verify







=== TEST 2: so is one of jamhook_sign
--- config eval: main::sign('keys/none.key')
--- refused
~ the key file "/\S+/conf/keys/none\.key" of "jamhook_sign" cannot be opened \(2: No such file or directory\)
at jamhook_sign







=== TEST 3: a directory is refused
--- config eval: main::verify('keys')
--- refused
~ the key file "/\S+/conf/keys" of "jamhook_verify" is not a regular file
at jamhook_verify







=== TEST 4: a pipe that nobody writes to is refused at once
--- post_setup_server_root
POSIX::mkfifo("$ENV{TEST_NGINX_SERVROOT}/conf/keys/pipe", 0600) or die $!;
--- config eval: main::verify('keys/pipe')
--- refused
~ the key file "/\S+/conf/keys/pipe" of "jamhook_verify" is not a regular file
at jamhook_verify







=== TEST 5: an empty name is refused
--- config eval: main::verify('""')
--- refused
of "jamhook_verify" is not a regular file
at jamhook_verify







=== TEST 6: an empty file is refused
--- keys
>>> empty.key
--- config eval: main::verify('keys/empty.key')
--- refused
invalid key file "keys/empty.key" in "jamhook_verify": it has no key
at jamhook_verify







=== TEST 7: an empty file of jamhook_sign is refused
--- keys
>>> empty.key
--- config eval: main::sign('keys/empty.key')
--- refused
invalid key file "keys/empty.key" in "jamhook_sign": it has no key
at jamhook_sign







=== TEST 8: a file of comments alone is refused
--- keys eval
">>> comments.key\n# whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n\n   # another\n\t\n"
--- config eval: main::verify('keys/comments.key')
--- refused
invalid key file "keys/comments.key" in "jamhook_verify": it has no key
at jamhook_verify







=== TEST 9: a bare whsec_ is refused
--- keys
>>> bare.key
# the key:
whsec_
--- config eval: main::verify('keys/bare.key')
--- refused
invalid key file "keys/bare.key" in "jamhook_verify": line 2: nothing follows the key's prefix
at jamhook_verify







=== TEST 10: a bare whpk_ is refused
--- keys
>>> bare.key
whpk_
--- config eval: main::verify('keys/bare.key')
--- refused
invalid key file "keys/bare.key" in "jamhook_verify": line 1: nothing follows the key's prefix
at jamhook_verify







=== TEST 11: a bare whsec_ of jamhook_sign is refused
--- keys
>>> bare.key
whsec_
--- config eval: main::sign('keys/bare.key')
--- refused
invalid key file "keys/bare.key" in "jamhook_sign": line 1: nothing follows the key's prefix
at jamhook_sign







=== TEST 12: bad base64 is refused
--- keys
>>> bad.key
whsec_MfKQ9r8GKYqrTw!UPD8ILPZIo2LaLaSw
--- config eval: main::verify('keys/bad.key')
--- refused
invalid key file "keys/bad.key" in "jamhook_verify": line 1: the key is not base64
at jamhook_verify







=== TEST 13: base64 of an impossible length is refused
--- keys
>>> bad.key
whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwA
--- config eval: main::verify('keys/bad.key')
--- refused
invalid key file "keys/bad.key" in "jamhook_verify": line 1: the key is not base64
at jamhook_verify







=== TEST 14: two keys on one line are refused
--- keys eval: ">>> bad.key\n$main::P1 $main::P2\n"
--- config eval: main::verify('keys/bad.key')
--- refused
invalid key file "keys/bad.key" in "jamhook_verify": line 1: the key is not base64
at jamhook_verify







=== TEST 15: a bad key after good ones is refused, with its line
--- keys eval: ">>> bad.key\n# old\n$main::P1\n\n# new\nwhsec_*\n"
--- config eval: main::verify('keys/bad.key')
--- refused
invalid key file "keys/bad.key" in "jamhook_verify": line 5: the key is not base64
at jamhook_verify







=== TEST 16: a key without a prefix is refused
--- keys
>>> naked.key
MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
--- config eval: main::verify('keys/naked.key')
--- refused
invalid key file "keys/naked.key" in "jamhook_verify": line 1: a key begins with whsec_, whsk_ or whpk_
at jamhook_verify







=== TEST 17: a prefix in capitals is none
--- keys
>>> naked.key
WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
--- config eval: main::verify('keys/naked.key')
--- refused
invalid key file "keys/naked.key" in "jamhook_verify": line 1: a key begins with whsec_, whsk_ or whpk_
at jamhook_verify







=== TEST 18: a whpk_ of 31 bytes is refused
--- keys eval: '>>> k.key' . "\nwhpk_" . MIME::Base64::encode_base64('x' x 31, '')
--- config eval: main::verify('keys/k.key')
--- refused
invalid key file "keys/k.key" in "jamhook_verify": line 1: a whpk_ key has 32 bytes
at jamhook_verify







=== TEST 19: a whpk_ of 33 bytes is refused
--- keys eval: '>>> k.key' . "\nwhpk_" . MIME::Base64::encode_base64('x' x 33, '')
--- config eval: main::verify('keys/k.key')
--- refused
invalid key file "keys/k.key" in "jamhook_verify": line 1: a whpk_ key has 32 bytes
at jamhook_verify







=== TEST 20: a whsk_ of 32 bytes is refused
--- keys eval: '>>> k.key' . "\nwhsk_" . MIME::Base64::encode_base64('x' x 32, '')
--- config eval: main::sign('keys/k.key')
--- refused
invalid key file "keys/k.key" in "jamhook_sign": line 1: a whsk_ key has 64 bytes
at jamhook_sign







=== TEST 21: a whsk_ whose halves are no pair is refused
--- keys eval: '>>> k.key' . "\nwhsk_" . MIME::Base64::encode_base64('x' x 64, '')
--- config eval: main::sign('keys/k.key')
--- refused
invalid key file "keys/k.key" in "jamhook_sign": line 1: the halves of the whsk_ key do not belong together
at jamhook_sign







=== TEST 22: a public key cannot sign
--- config eval: main::sign('keys/P4_public.key')
--- refused
invalid key file "keys/P4_public.key" in "jamhook_sign": line 2: a whpk_ key is a public one and cannot sign
at jamhook_sign







=== TEST 23: the same key twice is refused
--- keys eval: ">>> twice.key\n$main::P1\n$main::P2\n$main::P1\n"
--- config eval: main::verify('keys/twice.key')
--- refused
invalid key file "keys/twice.key" in "jamhook_verify": line 3: the key stands twice
at jamhook_verify







=== TEST 24: a file of more than 64 KiB is refused
--- keys eval: ">>> large.key\n" . ('#' x 65536) . "\n$main::P1\n"
--- config eval: main::verify('keys/large.key')
--- refused
~ the key file "/\S+/conf/keys/large\.key" of "jamhook_verify" is larger than 65536 bytes
at jamhook_verify







=== TEST 25: one of 64 KiB is read as a whole
--- keys eval: ">>> large.key\n" . ('#' x (65536 - 2 - length $main::P1)) . "\n$main::P1\n"
--- config
    location = /jam { jamhook_pass audit; jamhook_verify keys/large.key; }
    location = /audit {
        jamhook_endpoint audit;
        jamhook_sign off;
        proxy_pass http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
--- event: {}
--- answer: 200 delivered
--- warned







=== TEST 26: 33 keys in one file are refused
--- keys eval: ">>> many.key\n" . CORE::join '', map { 'whsec_' . MIME::Base64::encode_base64(sprintf('%032d', $_), '') . "\n" } 1 .. 33
--- config eval: main::verify('keys/many.key')
--- refused
invalid key file "keys/many.key" in "jamhook_verify": line 33: there are too many keys
at jamhook_verify







=== TEST 27: 32 keys are taken, and the last one verifies
--- keys eval: ">>> many.key\n" . CORE::join('', map { 'whsec_' . MIME::Base64::encode_base64(sprintf('%032d', $_), '') . "\n" } 1 .. 31) . "$main::P1\n"
--- config
    location = /jam { jamhook_pass audit; jamhook_verify keys/many.key; }
    location = /audit {
        jamhook_endpoint audit;
        jamhook_sign off;
        proxy_pass http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
--- event: {}
--- answer: 200 delivered
--- warned







=== TEST 28: a mistake in a file that an included file names
--- user_files
>>> ingest.conf
jamhook_pass fin;

jamhook_verify keys/none.key;
--- config
    $TEST_NGINX_FIN
    location = /jam { include ../html/ingest.conf; }
--- refused
~ the key file "/\S+/conf/keys/none\.key" of "jamhook_verify" cannot be opened
at ingest.conf: jamhook_verify







=== TEST 29: comments, blank lines, spaces and a last line without an end are fine
--- keys eval: ">>> odd.key 600\n\n# jam, 2025-09-09\n \t$main::P2 \t\n\n   # the new one\n$main::P1"
--- config
    location = /jam { jamhook_pass audit; jamhook_verify keys/odd.key; }
    location = /audit {
        jamhook_endpoint audit;
        jamhook_sign off;
        proxy_pass http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
--- event: {}
--- answer: 200 delivered
--- warned







=== TEST 30: lines may end as on Windows
--- keys eval: ">>> dos.key\n# both\r\n$main::P2\r\n$main::P1\r\n"
--- config
    location = /jam { jamhook_pass audit; jamhook_verify keys/dos.key; }
    location = /audit {
        jamhook_endpoint audit;
        jamhook_sign off;
        proxy_pass http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
--- event: {}
--- answer: 200 delivered
--- warned







=== TEST 31: an absolute path is taken as it is
--- config
    location = /jam {
        jamhook_pass audit;
        jamhook_verify $TEST_NGINX_SERVROOT/conf/keys/P1.key;
    }
    location = /audit {
        jamhook_endpoint audit;
        jamhook_sign $TEST_NGINX_SERVROOT/conf/keys/S1.key;
        proxy_pass http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
--- event: {}
--- answer: 200 delivered
--- target_signed: S1
--- warned







=== TEST 32: a whsk_ key verifies what it signs, and so does its whpk_
--- config
    location = /jam { jamhook_pass audit; jamhook_verify keys/P4_secret.key; }
    location = /audit {
        jamhook_endpoint audit;
        jamhook_sign keys/P4_secret.key;
        proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/public;
    }
    location = /public { jamhook_pass out; jamhook_verify keys/P4_public.key; }
    location = /out {
        jamhook_endpoint out;
        jamhook_sign off;
        proxy_pass http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
--- event: {"a":1}
--- event_with: key=P4
--- answer: 200 delivered
--- target_requests
POST /out {"a":1}
--- warned







=== TEST 33: a file that the group may read is warned about
--- keys eval: ">>> open.key 640\n$main::P1\n"
--- config eval: main::verify('keys/open.key')
--- warned
the key file " at jamhook_verify
--- log
~ \[warn\] .*the key file "/\S+/conf/keys/open\.key" of "jamhook_verify" is open to others than its owner: chmod 600







=== TEST 34: so is one that others may read, of jamhook_sign
--- keys eval: ">>> open.key 604\n$main::P1\n"
--- config eval: main::sign('keys/open.key')
--- warned
of "jamhook_sign" is open to others than its owner: chmod 600 at jamhook_sign







=== TEST 35: and one that others may only write
--- keys eval: ">>> open.key 602\n$main::P1\n"
--- config eval: main::sign('keys/open.key')
--- warned
is open to others than its owner: chmod 600 at jamhook_sign







=== TEST 36: one that its owner may only read is not
--- keys eval: ">>> own.key 400\n$main::P1\n"
--- config eval: main::verify('keys/own.key')
--- warned







=== TEST 37: a short key is warned about, and works
--- keys eval: ">>> short.key\n$main::P2\nwhsec_" . MIME::Base64::encode_base64('x' x 23, '') . "\n"
--- config
    location = /jam { jamhook_pass audit; jamhook_verify keys/short.key; }
    location = /audit {
        jamhook_endpoint audit;
        jamhook_sign off;
        proxy_pass http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
--- event: {}
--- event_with eval: 'key=whsec_' . MIME::Base64::encode_base64('x' x 23, '')
--- answer: 200 delivered
--- warned
key 2 of the file "keys/short.key" of "jamhook_verify" is short: Standard Webhooks asks for 24 to 64 bytes at jamhook_verify







=== TEST 38: a key of 24 bytes is not short, and one of 65 is fine
--- keys eval: ">>> k.key\nwhsec_" . MIME::Base64::encode_base64('x' x 24, '') . "\nwhsec_" . MIME::Base64::encode_base64('x' x 65, '') . "\n"
--- config eval: main::verify('keys/k.key')
--- warned







=== TEST 39: a short key of jamhook_sign is warned about in an included file
--- user_files
>>> audit.conf
jamhook_endpoint audit;
jamhook_sign keys/short.key;
proxy_pass http://127.0.0.1;
--- keys eval: ">>> short.key\nwhsec_" . MIME::Base64::encode_base64('short', '') . "\n"
--- config
    location = /audit { include ../html/audit.conf; }
--- warned
key 1 of the file "keys/short.key" of "jamhook_sign" is short at audit.conf: jamhook_sign

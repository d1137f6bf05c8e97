# What somebody might send who means no good.

use lib 't/lib';
use Jamhook;
use Jamhook::Conf;

Jamhook::Conf::config(q{
    jamhook_verify keys/P1.key;

    location = /jam { jamhook_pass fin; }
    location = /audit-in { jamhook_pass audit; }
    location = /public { jamhook_pass audit; jamhook_verify keys/P4_public.key; }
    location = /off { jamhook_pass fin; jamhook_verify off; }
    location /fin {
        jamhook_endpoint   fin;
        jamhook_connector  intercom_fin;
        jamhook_sign       keys/S1.key;
        proxy_pass         http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
    location = /audit {
        jamhook_endpoint  audit;
        jamhook_sign      keys/S1.key;
        proxy_pass        http://127.0.0.1:$TEST_NGINX_TARGET_PORT;
    }
});

our $large = 'large_client_header_buffers 4 2m;';

# an event whose signature header has this around the right token
sub signed {
    my ($before, $after, $key) = @_;

    my $body = '{"conversationId":"1"}';
    my $token = Jamhook::Sign::token($key || 'P1', 'msg_1', my $now = time,
                                     $body);

    return Jamhook::event(body => $body, id => 'msg_1', timestamp => $now,
                          at => $now, uri => $key ? '/public' : '/jam',
                          signature => join ' ', @$before, $token, @$after);
}

sub event { Jamhook::event(body => '{"conversationId":"1"}', @_) }

our @wrong = ('v1,' . 'A' x 43 . '=') x 999;

run_tests();

__DATA__

=== TEST 1: a signature header of 1 MB, by default
--- raw_request eval: main::signed(['v1,' . 'A' x 1_000_000], [])
--- error_code: 400
--- target_count: 0
--- expected
client sent too long header line







=== TEST 2: a signature header of 1 MB, one token
--- http_config eval: $main::large
--- raw_request eval: main::signed(['v1,' . 'A' x 1_000_000], [])
--- answer: 200 delivered
--- target_requests
POST /fin/1







=== TEST 3: that is all of it
--- http_config eval: $main::large
--- raw_request eval: main::event(signature => 'v1,' . 'A' x 1_000_000)
--- answer: 401 signature_invalid
--- target_count: 0







=== TEST 4: 1 MB of spaces and the token
--- http_config eval: $main::large
--- raw_request eval: main::signed([' ' x 1_000_000], [' ' x 1000])
--- answer: 200 delivered







=== TEST 5: 1 MB of commas
--- http_config eval: $main::large
--- raw_request eval: main::event(signature => ',' x 1_000_000)
--- answer: 401 signature_invalid







=== TEST 6: 1 MB of empty tokens
--- http_config eval: $main::large
--- raw_request eval: main::event(signature => 'v1, ' x 250_000)
--- answer: 401 signature_invalid







=== TEST 7: 1,000 tokens, the last one right
--- http_config eval: $main::large
--- raw_request eval: main::signed([@main::wrong], [])
--- answer: 200 delivered
--- target_requests
POST /fin/1







=== TEST 8: 1,000 tokens, the first one right
--- http_config eval: $main::large
--- raw_request eval: main::signed([], [@main::wrong])
--- answer: 200 delivered







=== TEST 9: 1,000 tokens, none right
--- http_config eval: $main::large
--- raw_request eval: main::event(signature => "@main::wrong")
--- answer: 401 signature_invalid
--- target_count: 0







=== TEST 10: 1,000 Ed25519 tokens, none right
--- http_config eval: $main::large
--- raw_request eval: main::event(uri => '/public', signature => "@{[('v1a,' . 'A' x 86 . '==') x 1000]}")
--- answer: 401 signature_invalid







=== TEST 11: Ed25519 after 60 tokens that are not right
--- http_config eval: $main::large
--- raw_request eval: main::signed([('v1a,' . 'A' x 86 . '==') x 60], [], 'P4')
--- answer: 200 delivered







=== TEST 12: an id of 1 MB
--- http_config eval: $main::large
--- raw_request eval: main::event(id => 'm' x 1_000_000)
--- answer: 401 signature_missing
--- no_log
mmmmmmmmmm







=== TEST 13: an id with a dot that shifts the parts
--- event: {"conversationId":"1"}
--- event_with: id=msg_1.1
--- answer: 401 signature_missing
--- target_count: 0







=== TEST 14: an id that is a path
--- event: {"conversationId":"1"}
--- event_with: id=../../etc/passwd
--- answer: 401 signature_missing
--- no_log
passwd







=== TEST 15: an id of 300 characters
--- event: {"conversationId":"1"}
--- event_with eval: 'id=' . 'm' x 300
--- answer: 401 signature_missing







=== TEST 16: an id with an encoded newline
--- event: {"conversationId":"1"}
--- event_with: id=msg_1%0a
--- answer: 401 signature_missing







=== TEST 17: an id with a real newline is the end of its header
--- raw_request eval: Jamhook::event(body => '{"conversationId":"1"}') =~ s/(svix-id: msg)/$1\n/r
--- error_code_like: ^40[01]$
--- target_count: 0







=== TEST 18: an id that is folded
--- raw_request eval: Jamhook::event(body => '{"conversationId":"1"}') =~ s/(svix-id: msg)/$1\r\n /r
--- error_code_like: ^40[01]$
--- target_count: 0







=== TEST 19: an id with a tabulator
--- event: {"conversationId":"1"}
--- event_with eval: "\"id=msg\t1\""
--- answer: 401 signature_missing







=== TEST 20: an id with a NUL
--- raw_request eval: Jamhook::event(body => '{"conversationId":"1"}') =~ s/svix-id: msg/svix-id: msg\0/r
--- error_code_like: ^40[01]$
--- target_count: 0







=== TEST 21: 500 other headers
--- http_config eval: $main::large
--- event: {"conversationId":"1"}
--- event_with eval: CORE::join ' ', map { "X-H$_: $_" =~ s/ //r } 1 .. 500
--- answer: 200 delivered
--- target_headers
!x-h1
!x-h500







=== TEST 22: 200 levels of JSON
--- event eval: '{"a":' x 200 . '1' . '}' x 200
--- answer: 400 body_invalid
--- target_count: 0







=== TEST 23: 1 MB of brackets that open
--- event eval: '[' x 1_000_000
--- answer: 400 body_invalid







=== TEST 24: 50,000 members
--- event eval: '{"conversationId":"1",' . CORE::join(',', map { "\"m$_\":$_" } 1 .. 50_000) . '}'
--- answer: 200 delivered
--- target_requests
POST /fin/1







=== TEST 25: 50,000 times the same member that is used
--- event eval: '{' . CORE::join(',', ('"conversationId":"1"') x 50_000) . '}'
--- answer: 422 event_invalid
--- target_count: 0







=== TEST 26: conversationId that climbs
--- event: {"conversationId":"../../../admin"}
--- answer: 422 event_invalid
--- target_count: 0







=== TEST 27: where nobody signs, too
--- event: {"conversationId":"../../../admin"}
--- event_with: uri=/off key=none
--- answer: 422 event_invalid
--- target_count: 0







=== TEST 28: conversationId that is a dot
--- event: {"conversationId":"."}
--- answer: 422 event_invalid
--- target_count: 0







=== TEST 29: conversationId of 1 MB
--- event eval: '{"conversationId":"' . 'c' x 1_000_000 . '"}'
--- answer: 422 event_invalid
--- target_count: 0
--- no_log
cccccccccc







=== TEST 30: conversationId that ends in \u0000
--- event: {"conversationId":"1\u0000/../x"}
--- answer: 422 event_invalid
--- target_count: 0







=== TEST 31: a name that ends in \u0000 is another name
--- event: {"conversationId\u0000":"2","conversationId":"1"}
--- answer: 200 delivered
--- target_requests
POST /fin/1







=== TEST 32: a conversation that is written in two ways
--- event: {"conversationId":"1","data":{"conversationId":"2"}}
--- answer: 200 delivered
--- target_requests
POST /fin/2







=== TEST 33: __proto__ is a name like any other
--- event: {"__proto__":{"conversationId":"2"},"constructor":{},"conversationId":"1"}
--- answer: 200 delivered
--- target_requests
POST /fin/1







=== TEST 34: a type that is a line for the log
--- event: {"type":"a\nb","data":{"conversationId":"1"}}
--- answer: 422 event_invalid







=== TEST 35: a request line of 1 MB
--- http_config eval: $main::large
--- raw_request eval: main::event(uri => '/jam?' . 'q' x 1_000_000)
--- answer: 200 delivered

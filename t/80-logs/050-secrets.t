# What no log at "info" may hold: keys, signatures, bodies, conversations, and
# where a delivery goes.

use lib 't/lib';
use Test::More;
use Jamhook::Nginx;

my $target = Jamhook::Target->new(join "\n",
    '/secret-path/c-ok 200', '/secret-path/c-500 500 body=answer-of-target',
    '/secret-path/c-hang hang', '/secret-path/c-reset reset',
    '/secret-path/c-close close', '/secret-path/c-garbage garbage',
    '/secret-path/c-half half bytes=100k', '/secret-path/c-302 302 '
    . '"Location: http://secret-place/"', '/secret-path/c-503 503',
    '/secret-path/c-410 410', '/secret-path/c-accel 200 '
    . '"X-Accel-Redirect: /secret-redirect"',
    '/secret-path/c-large 200 bytes=200k', '/secret-path/c-headers 200 '
    . '"X-Large: ' . 'x' x 9000 . '"');

my $endpoint = q{
        jamhook_connector  intercom_fin;
        jamhook_sign       keys/S1.key;
        jamhook_timeout    2s;
};
my $nginx = Jamhook::Nginx->new(target => $target->port,
    http => 'log_format jam "$jamhook_result";', server => qq{
    location = /jam { jamhook_pass fin; jamhook_verify keys/P1.key; }
    location = /refused-in { jamhook_pass refused; jamhook_verify keys/P1.key; }
    location = /nowhere-in { jamhook_pass nowhere; jamhook_verify keys/P1.key; }
    location = /query-in { jamhook_pass query; jamhook_verify keys/P1.key; }
    location = /tls-in { jamhook_pass tls; jamhook_verify keys/P1.key; }
    location = /audit-in { jamhook_pass audit; jamhook_verify keys/P1.key; }
    location /fin {
        jamhook_endpoint fin; $endpoint
        proxy_pass http://127.0.0.1:%{target}/secret-path;
    }
    location /refused {
        jamhook_endpoint refused; $endpoint
        proxy_pass http://127.0.0.1:%{refused}/secret-path;
    }
    location /nowhere {
        jamhook_endpoint nowhere; $endpoint
        resolver 127.0.0.1:%{refused};
        resolver_timeout 100ms;
        set \$name nowhere.invalid;
        proxy_pass http://\$name/secret-path/\$jamhook_conversation_id;
    }
    location /query {
        jamhook_endpoint query; $endpoint
        proxy_pass http://127.0.0.1:%{target}/secret-path?secret-argument=;
    }
    location /tls {
        jamhook_endpoint tls; $endpoint
        proxy_pass https://127.0.0.1:%{target}/secret-path;
    }
    location = /audit {
        jamhook_endpoint audit;
        jamhook_sign keys/P4_secret.key;
        proxy_pass http://127.0.0.1:%{target}/secret-path;
    }
});

my %status;
my $n = 0;

sub event {
    my ($uri, $conversation, %e) = @_;

    my $answer = $nginx->send(Jamhook::event(
        uri => $uri, id => 'msg_' . ++$n, body => '{"id":"evt_secret",'
        . "\"type\":\"intercom.recorder.recorded\",\"data\":{\"conversationId\":"
        . "\"$conversation\",\"jamId\":\"secret-jam\","
        . '"recording_url":"https://jam.dev/secret-url"}}', %e));

    $status{$answer->{status}}++;

    unlike $answer->{raw}, qr/secret|answer-of-target|whsec|v1,|c-\d/,
           "the answer to $uri $conversation tells nothing";

    return $answer;
}

for my $how (qw(ok 500 hang reset close garbage half 302 503 410 accel large
                headers))
{
    event('/jam', "c-$how");
}

event("/$_-in", 'c-500') for qw(refused nowhere query tls audit);
event('/jam', 'c-ok', key => 'P2');
event('/jam', 'c-ok', key => 'none');
event('/jam', 'c-ok', ts => -1000);
event('/jam', 'c-ok', type => 'text/plain');
event('/jam', 'c-ok', method => 'PUT');
event('/jam', 'c/unsafe');
event('/jam', 'c-"broken');
event('/jam', 'c-ok', signature => 'v1,secret-signature');

# a client that leaves
{
    my $s = $nginx->connect;
    print $s Jamhook::event(uri => '/jam', body =>
        '{"conversationId":"c-hang","jamId":"secret-jam"}');
    close $s;
    $nginx->wait_for(sub { $nginx->logged('timeout, endpoint: "fin"') > 1 });
}

is_deeply [sort keys %status], [qw(200 400 401 405 415 422 502 503 504)],
          'all kinds of answers came';

ok $nginx->wait_log(qr/endpoint: "refused"|endpoint "refused"/),
   'the log speaks of deliveries';

$nginx->ends_well(name => 'nginx ends well');

my @log = $nginx->log;
my $keys = join '|', map { quotemeta substr s/^wh\w+?_//r, 0, 10 }
           values %Jamhook::Sign::KEYS;

for my $case (
    ['a key', qr/$keys|whsec_|whsk_|whpk_/],
    ['a signature', qr/v1a?,|secret-signature/],
    ['a body', qr/secret-jam|secret-url|evt_secret|"conversationId":"/],
    ['a conversation', qr/c-(?:ok|500|hang|reset|close|garbage|half|302|503)
                          |c-(?:410|accel|large|headers)|c\/unsafe|broken/x],
    ["a target's path", qr/secret-path|secret-argument/],
    ["a target's answer", qr/answer-of-target|secret-place|secret-redirect/],
) {
    my ($what, $pattern) = @$case;
    my @found = grep { $_ =~ $pattern } @log;

    is scalar @found, 0, "the log does not hold $what"
        or diag join "\n", @found;
}

done_testing;

# The sender's side: TLS, HTTP/2, the PROXY protocol, and one event after the
# other on a connection.

use lib 't/lib';
use Test::More;
use IO::Socket::INET;
use Jamhook::Nginx;

my $target = Jamhook::Target->new('delay=20ms');
my ($tls, $h2, $h2tls, $proxied) = map { Jamhook::Env::free_port() } 1 .. 4;

my $locations = q{
    location = /jam { jamhook_pass e; jamhook_verify keys/P1.key; }
    location = /limited {
        jamhook_pass e;
        jamhook_verify keys/P1.key;
        limit_req zone=z;
        limit_req_status 429;
    }

    location = /e {
        jamhook_endpoint e;
        jamhook_sign keys/S1.key;
        proxy_pass http://127.0.0.1:%{target}/a;
    }
};

# "http2 on" since 1.25.1
sub http2 {
    my ($options) = @_;
    my ($x, $y) = `$Jamhook::Env::NGINX -v 2>&1` =~ m{nginx/1\.(\d+)\.(\d+)};
    return $x * 1000 + $y < 25001 ? "$options http2;" : "$options; http2 on;";
}

my $nginx = Jamhook::Nginx->new(target => $target->port, tls => $tls,
    h2 => $h2, h2tls => $h2tls, proxied => $proxied, http => qq{
    limit_req_zone all zone=z:1m rate=1r/m;
    ssl_certificate %{crt};
    ssl_certificate_key %{crt_key};
    proxy_http_version 1.1;
    log_format who '\$remote_addr \$realip_remote_addr \$proxy_protocol_addr '
                   '\$jamhook_id \$jamhook_result \$server_protocol';
    access_log logs/who.log who;

    server { listen 127.0.0.1:%{tls} ssl;
             location = /jam { jamhook_pass e; jamhook_verify keys/P1.key; } }
    server { listen 127.0.0.1:%{h2} @{[ http2('') ]}
             location = /jam { jamhook_pass e; jamhook_verify keys/P1.key; }
             location = /here { jamhook_endpoint here; jamhook_sign off;
                                proxy_pass http://127.0.0.1:%{target}; } }
    server { listen 127.0.0.1:%{h2tls} @{[ http2('ssl') ]}
             location = /jam { jamhook_pass e; jamhook_verify keys/P1.key; } }
    server { listen 127.0.0.1:%{proxied} proxy_protocol;
             set_real_ip_from 127.0.0.1;
             real_ip_header proxy_protocol;
             location = /jam { jamhook_pass e; jamhook_verify keys/P1.key; } }
}, server => $locations);

my $body = '{"conversationId":"7"}';

# An event by curl, as many times at once: the statuses.
sub curl {
    my ($url, $times, @options) = @_;

    my @headers = map { ('-H', "$_->[0]: $_->[1]") }
                  Jamhook::Sign::headers(body => $body, id => 'msg_curl'),
                  ['Content-Type', 'application/json'];

    my $file = $nginx->dir . '/event';
    Jamhook::Env::write_file($file, $body);

    my @command = ('curl', '-sk', '--no-progress-meter', '--max-time',
                   10 * $Jamhook::Env::PATIENCE,
                   @options, @headers, '--data-binary', "\@$file", '-w',
                   '%{http_code} ');
    push @command, '--parallel', '--parallel-immediate' if $times > 1;
    push @command, map { ('-o', '/dev/null', $url) } 1 .. $times;

    open my $curl, '-|', @command or die "curl: $!";
    local $/;
    return <$curl> =~ s/\s+\z//r;
}

my $seen = 0;

sub arrived {
    my ($n, $name) = @_;
    my @got = $target->wait($seen + $n);
    is @got - $seen, $n, "$name: all arrive";
    is_deeply [grep { defined } map { Jamhook::Sign::fault($_, 'webhook', 'S1') }
               @got[$seen .. $#got]], [], '... with good signatures';
    $seen = @got;
}

is curl("https://127.0.0.1:$tls/jam", 1), '200', 'TLS';
arrived(1, 'TLS');

is curl("http://127.0.0.1:$h2/jam", 1, '--http2-prior-knowledge'), '200',
   'HTTP/2';
arrived(1, 'HTTP/2');

my $url = "http://127.0.0.1:$h2/here";
is `curl -s --http2-prior-knowledge -o /dev/null -w '%{http_code}' $url`, '404',
   'an endpoint does not answer clients of HTTP/2';
arrived(0, 'a client');

is curl("https://127.0.0.1:$h2tls/jam", 1, '--http2'), '200',
   'HTTP/2 over TLS';
arrived(1, 'HTTP/2 over TLS');

is curl("https://127.0.0.1:$h2tls/jam", 20, '--http2'),
   join(' ', ('200') x 20), 'many streams of HTTP/2 at once';
arrived(20, 'streams');

$body = '{"conversationId":"7","x":"' . ('y' x 500_000) . '"}';
is curl("https://127.0.0.1:$h2tls/jam", 3, '--http2'), '200 200 200',
   'large events over HTTP/2';
arrived(3, 'large');
$body = '{"conversationId":"7"}';

$target->set('500');
is curl("https://127.0.0.1:$h2tls/jam", 5, '--http2'),
   '502 502 502 502 502', 'failures over HTTP/2';
arrived(5, 'failures');

ok $nginx->wait_for(sub {
    grep { m{ msg_curl delivered HTTP/2.0$} }
    split /\n/, Jamhook::Env::slurp($nginx->dir . '/logs/who.log') }),
   'HTTP/2 is what it was';

# streams that are given up

my $delivered = $nginx->logged('jamhook delivered');
$target->set('hold');
is curl("https://127.0.0.1:$h2tls/jam", 3, '--http2', '--max-time', 2),
   '000 000 000', 'streams that are given up';
arrived(3, 'streams');
$target->set('200');
ok $nginx->wait_for(sub {
    $nginx->logged('jamhook delivered') == $delivered + 3 }),
   'and their deliveries go on';

# the PROXY protocol

my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $proxied);
print $s "PROXY TCP4 192.0.2.9 127.0.0.1 40000 443\r\n"
         . Jamhook::event(body => $body, id => 'msg_proxied');
$s->flush;
is $nginx->read($s)->{status}, 200, 'the PROXY protocol';
close $s;
arrived(1, 'the PROXY protocol');
ok $nginx->wait_for(sub {
    grep { /^192\.0\.2\.9 127\.0\.0\.1 192\.0\.2\.9 msg_proxied delivered/ }
    split /\n/, Jamhook::Env::slurp($nginx->dir . '/logs/who.log') }),
   'the sender is who it says';

# one after the other on a connection, refused ones among them

$s = $nginx->connect;
my @statuses;

for my $key ('P1', 'P2', 'P1', 'none', 'P1') {
    print $s Jamhook::event(body => $body, key => $key,
                            headers => [['Connection', 'keep-alive']]);
    $s->flush;
    push @statuses, $nginx->read($s)->{status};
}

is "@statuses", '200 401 200 401 200', 'keepalive goes on after any answer';
arrived(3, 'keepalive');

# all at once on a connection

print $s join '', map {
    Jamhook::event(body => $body, key => $_,
                   headers => [['Connection', 'keep-alive']])
} 'P1', 'P2', 'P1';
print $s Jamhook::event(body => $body, uri => '/nowhere');
$s->flush;

my $raw = '';
while (sysread $s, my $data, 65536) { $raw .= $data }
is_deeply [$raw =~ /HTTP\/1\.1 (\d+)/g], [200, 401, 200, 404], 'pipelined';
close $s;
arrived(2, 'pipelined');

# limit_req

is $nginx->send(Jamhook::event(body => $body, uri => '/limited'))->{status},
   200, 'limit_req lets one in';
is $nginx->send(Jamhook::event(body => $body, uri => '/limited'))->{status},
   429, '... and no second';
arrived(1, 'limit_req');

$nginx->ends_well;
done_testing;

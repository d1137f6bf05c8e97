# Events over HTTP/3: where nginx has it (since 1.25), and curl.

use lib 't/lib';
use Test::More;
use Jamhook::Nginx;

my $built = `$Jamhook::Env::NGINX -V 2>&1`;
my ($version) = $built =~ m{nginx/(\S+)};

plan skip_all => "nginx $version has no HTTP/3"
    unless $built =~ /--with-http_v3_module/;
plan skip_all => 'curl has no HTTP/3'
    unless `curl -V` =~ /^Features:.*\bHTTP3\b/m;

my $target = Jamhook::Target->new('delay=20ms');
my $port = Jamhook::Env::free_port();

my $nginx = Jamhook::Nginx->new(target => $target->port, h3 => $port, http => q{
    ssl_certificate %{crt};
    ssl_certificate_key %{crt_key};
    proxy_http_version 1.1;
    log_format who '$jamhook_id $jamhook_result $server_protocol';
    access_log logs/who.log who;
}, server => q{
        listen 127.0.0.1:%{h3} quic;

        location = /jam { jamhook_pass e; jamhook_verify keys/P1.key; }

        location = /e {
            jamhook_endpoint e;
            jamhook_sign keys/S1.key;
            proxy_pass http://127.0.0.1:%{target}/a;
        }
});

my $body = '{"conversationId":"7"}';
my $seen = 0;

# An event by curl, as many times at once: the statuses.
sub curl {
    my ($times, %opt) = @_;

    my @headers = map { ('-H', "$_->[0]: $_->[1]") }
                  Jamhook::Sign::headers(body => $body, id => 'msg_curl',
                                         key => $opt{key} || 'P1'),
                  ['Content-Type', 'application/json'];

    my $file = $nginx->dir . '/event';
    Jamhook::Env::write_file($file, $body);

    my @command = ('curl', '-sk', '--http3-only', '--no-progress-meter',
                   '--max-time', $opt{seconds} || 10 * $Jamhook::Env::PATIENCE,
                   @headers, '--data-binary', "\@$file", '-w', '%{http_code} ');
    push @command, '--parallel', '--parallel-immediate' if $times > 1;
    push @command, map {
        ('-o', '/dev/null', "https://127.0.0.1:$port" . ($opt{uri} || '/jam'))
    } 1 .. $times;

    open my $curl, '-|', @command or die "curl: $!";
    local $/;
    return <$curl> =~ s/\s+\z//r;
}

sub arrived {
    my ($n, $name) = @_;

    my @got = $target->wait($seen + $n);
    is @got - $seen, $n, "$name: all arrive";
    is_deeply [grep { defined } map { Jamhook::Sign::fault($_, 'webhook', 'S1') }
               @got[$seen .. $#got]], [], '... with good signatures';
    $seen = @got;
}

is curl(1), '200', 'HTTP/3';
arrived(1, 'HTTP/3');

is curl(1, key => 'P2'), '401', 'another key is refused';
is curl(1, uri => '/e'), '404', 'an endpoint does not answer clients of HTTP/3';
arrived(0, 'neither');

is curl(10), join(' ', ('200') x 10), 'many streams at once';
arrived(10, 'streams');

$body = '{"conversationId":"7","x":"' . ('y' x 500_000) . '"}';
is curl(3), '200 200 200', 'large events';
arrived(3, 'large');
$body = '{"conversationId":"7"}';

$target->set('500');
is curl(3), '502 502 502', 'failures';
arrived(3, 'failures');

ok $nginx->wait_for(sub {
    grep { m{^msg_curl delivered HTTP/3.0$} }
    split /\n/, Jamhook::Env::slurp($nginx->dir . '/logs/who.log') }),
   'HTTP/3 is what it was';

# senders that leave

my $delivered = $nginx->logged('jamhook delivered');
$target->set('hold');
is curl(3, seconds => 2), '000 000 000', 'streams that are given up';
arrived(3, 'given up');
$target->set('200');
ok $nginx->wait_for(sub {
    $nginx->logged('jamhook delivered') == $delivered + 3 }),
   'and their deliveries go on';

is curl(1), '200', 'and nginx goes on';
arrived(1, 'the last one');

$nginx->ends_well;
done_testing;

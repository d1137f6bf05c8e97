# TLS, HTTP/2 over TLS, proxy_protocol and unix sockets in front of an ingest
# location.

use lib 't/lib';
use Test::More;
use Jamhook::Nginx;

my $target = Jamhook::Target->new('');
my $tls = Jamhook::Env::free_port();
my $proxied = Jamhook::Env::free_port();
my $nginx = Jamhook::Nginx->new(
    target => $target->port, tls => $tls, proxied => $proxied,
    http => q{
        log_format  who  '$proxy_protocol_addr $remote_addr $scheme '
                         '$server_protocol $jamhook_result';
        jamhook_verify  keys/P1.key;
        access_log      logs/who.log who;

        server {
            listen              127.0.0.1:%{port};
            proxy_http_version  1.0;

            location = /audit {
                jamhook_endpoint  audit;
                jamhook_sign      keys/S1.key;
                proxy_pass        http://127.0.0.1:%{target};
            }
            location = /tls {
                proxy_pass  https://127.0.0.1:%{tls}/jam;
            }
            location = /unix {
                proxy_pass  http://unix:%{dir}/jam.sock:/jam;
            }
        }
        server {
            listen               127.0.0.1:%{tls} ssl http2;
            ssl_certificate      %{crt};
            ssl_certificate_key  %{crt_key};
            location = /jam { jamhook_pass audit; }
        }
        server {
            listen            127.0.0.1:%{proxied} proxy_protocol;
            set_real_ip_from  127.0.0.1;
            real_ip_header    proxy_protocol;
            location = /jam { jamhook_pass audit; }
        }
        server {
            listen  unix:%{dir}/jam.sock;
            location = /jam { jamhook_pass audit; }
        }
    }, listen => 0);

sub logged {
    my ($line) = @_;

    return ok $nginx->wait_for(sub {
        index(Jamhook::Env::slurp($nginx->dir . '/logs/who.log'), $line) >= 0;
    }), "logged: $line";
}

my $large = '{"a":"' . 'x' x 200_000 . '"}';

is $nginx->send(Jamhook::event(body => $large, uri => '/tls'))->{status}, 200,
   'an event over TLS';
logged('- 127.0.0.1 https HTTP/1.0 delivered');
ok((grep { $_->{body} eq $large } $target->wait(1)), 'its body arrives');

like $nginx->send(Jamhook::event(body => '{}', uri => '/tls', key => 'P2'))
     ->{body}, qr/signature_invalid/, 'a bad one over TLS is refused';

is $nginx->send(Jamhook::event(body => '{}', uri => '/unix'))->{status}, 200,
   'an event by a unix socket';
logged('- unix: http HTTP/1.0 delivered');

Jamhook::Env::write_file($nginx->dir . '/body', $large);

sub curl {
    my (%e) = @_;

    my @body = $e{none} ? ('-X', 'POST')
                        : ('--data-binary', '@' . $nginx->dir . '/body');
    my @headers = map { ('-H', "$_->[0]: $_->[1]") }
                  ['Content-Type', 'application/json'],
                  Jamhook::Sign::headers(body => $large, timestamp => time, %e);
    my $pid = open my $out, '-|', 'curl', '-sS', '-k', '--http2', '-i',
                   '--max-time', 10 * $Jamhook::Env::PATIENCE, @headers,
                   @body, "https://127.0.0.1:$tls/jam" or die "curl: $!";
    local $/;
    return scalar <$out>;
}

like curl(), qr/^HTTP\/2 200.*"result":"delivered"/s,
     'an event by HTTP/2 over TLS';
logged('- 127.0.0.1 https HTTP/2.0 delivered');
like curl(key => 'P2'), qr/^HTTP\/2 401.*"code":"signature_invalid"/s,
     'a bad one by HTTP/2 over TLS is refused';
like curl(timestamp => 1, none => 1),
     qr/^HTTP\/2 401.*"code":"timestamp_invalid"/s, 'one that is too old';

sub proxied {
    my ($line, $event) = @_;

    my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                  PeerPort => $proxied) or die "connect: $!";
    print $s $line, $event;
    $s->flush;

    return $nginx->read($s);
}

is proxied("PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\r\n",
           Jamhook::event(body => '{}'))->{status}, 200,
   'an event behind proxy_protocol';
logged('192.0.2.7 192.0.2.7 http HTTP/1.1 delivered');
like proxied("PROXY TCP4 192.0.2.8 192.0.2.1 4711 443\r\n",
             Jamhook::event(body => '{}', key => 'none'))->{body},
     qr/signature_missing/, 'a bad one is refused';
logged('192.0.2.8 192.0.2.8 http HTTP/1.1 signature_missing');
is proxied('', Jamhook::event(body => '{}'))->{status}, 0,
   'one without that line is not heard';

is scalar $target->wait(4), 4, 'four deliveries in all';
is Jamhook::Sign::fault($_, 'webhook', 'S1'), undef, "delivery $_->{n} is signed"
    for $target->requests;

$nginx->ends_well;
done_testing;

# Lists while events come in, what is shown of endpoints, and hostile texts.
# modes: plain san palloc
# stores: sqlite pgsql pgsql-palloc

use lib 't/lib', 't/65-portal';
use Test::More;
use Jamhook::Nginx;
use Portal;

my $target = Jamhook::Target->new;
my $patience = 10 * $Jamhook::Env::PATIENCE;

my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
    workers => 2, http => 'upstream backend { server 127.0.0.1:%{target}; }',
    server => q{
        location = /jam {
            jamhook_pass    a;
            jamhook_verify  keys/P1.key;
        }
        location = /up {
            jamhook_pass    up;
            jamhook_verify  keys/both.key;
        }
        location = /a {
            jamhook_endpoint  a;
            jamhook_sign      off;
            proxy_pass        http://127.0.0.1:%{target}/pass-word/a?key=secret;
        }
        location = /up-here {
            jamhook_endpoint  up;
            jamhook_events    jam.created intercom.*;
            jamhook_sign      keys/S1.key;
            proxy_pass        http://backend;
        }
        location = /var {
            jamhook_endpoint  var;
            jamhook_sign      off;
            set               $where 127.0.0.1;
            proxy_pass        http://$where:1/secret;
        }
        location /unix {
            jamhook_endpoint   unix;
            jamhook_connector  intercom_fin;
            jamhook_sign       off;
            if ($arg_x) { proxy_pass http://127.0.0.1:9; }
            proxy_pass         http://unix:/secret/socket:/secret/;
        }
        location = /tls {
            jamhook_endpoint  tls;
            jamhook_sign      off;
            proxy_ssl_server_name  on;
            proxy_pass        https://[::1]:8443/?secret;
        }
        location /jamhook/ { jamhook_portal; }
    });

my $store = $nginx->store;

sub ended { return $store->idle($patience) }


# endpoints

my $list = data($nginx, 'api/endpoints');
my %ep = map { $_->{name} => $_ } @{ $list->{data} };
my $port = $target->port;

is $list->{next}, undef, 'the list of endpoints has no next';
is join(' ', map { $_->{name} } @{ $list->{data} }), 'a up var unix tls',
   '... and all of them, as they stand';
is $ep{a}{url}, "http://127.0.0.1:$port/...", 'a URL is scheme and host';
is $ep{up}{url}, 'http://backend/...', '... or an upstream';
is $ep{var}{url}, undef, '... nothing with variables';
is $ep{unix}{url}, 'http://unix:/...', '... of a socket no path';
is $ep{tls}{url}, 'https://[::1]:8443/...', '... an IPv6 address';
unlike call($nginx, GET => 'api/endpoints')->{body},
       qr/secret|pass-word|whsec_/, '... no secret in it';
is $ep{unix}{connector}, 'intercom_fin', 'the connector';
is_deeply $ep{up}{events}, ['jam.created', 'intercom.*'], 'the types';
is_deeply $ep{up}{keys}, [{ kind => 'whsec', file => 'keys/S1.key',
                            fingerprint => $ep{up}{keys}[0]{fingerprint} }],
          'the key, by its fingerprint';
is $ep{a}{last_attempt}, undef, 'no attempt yet';
is_deeply $ep{a}{stats},
          { succeeded => 0, failed => 0, pending => 0, sending => 0 },
          'nothing counted yet';


# pages of a list, while events come in

my @ids = map { "msg_$_" } 1 .. 12;

post($nginx, $_) for @ids;
ok ended(), 'twelve events';

my (@seen, @pages);
my $cursor = '';

while (defined $cursor && @pages < 50) {
    my $page = data($nginx, "api/events?limit=5&cursor=$cursor");

    push @seen, map { $_->{id} } @{ $page->{data} };
    push @pages, scalar @{ $page->{data} };
    $cursor = $page->{next};
    like $cursor, qr/^[A-Za-z0-9_-]+$/, 'a cursor' if defined $cursor;

    post($nginx, "msg_late_@{[ scalar @pages ]}");
    call($nginx, DELETE => 'api/events/msg_9') if @pages == 1;
}

is join(' ', @seen), join(' ', reverse @ids),
   'each is there once, newest first, whatever comes in between';
is $pages[0], 5, 'as many as asked for';

ok ended(), 'those that came late are sent too';

my @attempts;
$cursor = '';

for (1 .. 50) {
    my $page = data($nginx, "api/attempts?limit=4&cursor=$cursor");

    push @attempts, map { $_->{event} } @{ $page->{data} };
    $cursor = $page->{next};
    last unless defined $cursor;
}

my %once = map { $_ => 1 } @attempts;

is scalar(keys %once), scalar(@attempts), 'the log has each attempt once';
cmp_ok scalar(@attempts), '>=', 12, '... all of them';
is data($nginx, 'api/attempts?result=failed')->{data}[0], undef,
   '... none that failed';
is data($nginx, 'api/events?type=none.such')->{data}[0], undef,
   'none of another type';
is scalar @{ data($nginx, 'api/events?endpoint=a&state=succeeded&limit=250'
                  . '&since=2020-01-01T00:00:00Z'
                  . '&until=2120-01-01T00%3A00%3A00%2B01:00')->{data} },
   @ids + @pages, 'filters together';

is data($nginx, 'api/endpoints/a')->{stats}{succeeded}, @ids + @pages,
   'all are counted';

my $stats = data($nginx, 'api/stats?window=1h');

is "$stats->{window} $stats->{width} @{[ scalar @{ $stats->{buckets} } ]}",
   '1h 60 60', 'an hour by minutes';
is $stats->{totals}{succeeded}, @ids + @pages, '... with all attempts';
is $stats->{received}[0]{source}, '/jam', '... and what came in where';
is $stats->{received}[0]{result}{stored}, @ids + @pages, '... and how much';

for ([undef, '24h', 900, 96], ['7d', '7d', 7200, 84], ['30d', '30d', 21600, 120])
{
    my ($asked, $window, $width, $n) = @$_;

    $stats = data($nginx, 'api/stats' . ($asked ? "?window=$asked" : ''));
    is join(' ', @$stats{qw(window width)}, scalar @{ $stats->{buckets} }),
       "$window $width $n", "a window of $window";
}


# hostile texts

my $hostile = "</script><script>alert(1)</script>&\"'\\\x{2028}\x{2029}\x01\x7f";
utf8::encode($hostile);

my $body = $Portal::JSON->encode({ type => 'x', text => '</script><img src=x>',
                                   u => "\x{2028}\x{1F41E}\x01" });

$target->set('/pass-word "X-Hostile: </script>' . "\xff\xfe" . '" body="'
             . "</script>\xff\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80\x01\xe2\x80\xa8"
             . '"');
post($nginx, 'msg_hostile', body => $body,
     headers => [['X-Hostile', "</script>\xff\xc3"]]);
ok ended(), 'a hostile event, a hostile answer';

my $answer = call($nginx, GET => 'api/events/msg_hostile');

ok defined $answer->{json}, '... are valid JSON';
unlike $answer->{body}, qr/[\x00-\x1f]|\xe2\x80[\xa8\xa9]/,
       '... without a control character';

my $event = $answer->{json};
my $text = $event->{body};
utf8::encode($text);
is $text, $body, '... the body byte for byte';
is $event->{headers}{'x-hostile'}, "</script>\xff\xc3",
   '... a header that is no UTF-8 is taken for Latin-1';

my $response = $event->{deliveries}[0]{attempts}[0]{response};

like $response->{body}, qr{^</script>\x{fffd}+\x01\x{2028}$},
     '... in an answer too';

$target->set('bytes=3M');
my $large = '{"a":"' . 'x' x 900_000 . '"}';
post($nginx, 'msg_large', body => $large);
ok ended(), 'a large event, a large answer';
$event = data($nginx, 'api/events/msg_large');
is length $event->{body}, length $large, '... the body is whole';
is $event->{size}, length $large, '... its size told';
$response = $event->{deliveries}[0]{attempts}[0]{response};
is length $response->{body}, 16384, '... the answer is cut';
is $response->{truncated}, 1, '... and says so';

# a client that reads slowly, and one that leaves in the middle
my $s = $nginx->connect;
print $s request(GET => 'api/events/msg_large');
$s->flush;
sysread $s, my $some, 1000;
close $s;

$s = $nginx->connect;
print $s request(GET => 'api/events/msg_large');
$s->flush;
my $all = $nginx->read($s, $patience);
is length $all->{body}, $all->{headers}{'content-length'},
   'a slow client gets all of it';

# many at once on one connection, kept alive
$s = $nginx->connect;
for my $n (1 .. 20) {
    my $get = request(GET => $n % 2 ? 'api/endpoints' : 'api/status');

    $get =~ s/Connection: close/Connection: keep-alive/;
    print $s $get;
}
$s->flush;
my $raw = '';
$nginx->wait_for(sub {
    IO::Select->new($s)->can_read(0.1) and sysread $s, $raw, 65536, length $raw;
    20 == (() = $raw =~ m{HTTP/1\.1 200 OK}g);
}, $patience);
is scalar(() = $raw =~ m{HTTP/1\.1 200 OK}g), 20,
   'pipelined calls are answered, each of them';
close $s;

$nginx->ends_well;
done_testing;

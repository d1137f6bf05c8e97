# A name of another site that points to the portal (DNS rebinding): the Host is
# that site's, and so is the origin of its page. What refuses it is a default
# server, as the README has it; the portal itself takes any Host. And what a page
# of another origin is not told.

use lib 't/lib';
use Test::More;
use Jamhook::Nginx;

my $nginx = Jamhook::Nginx->new(store => 1, listen => 0, http => q{
    server {
        listen       127.0.0.1:%{port} default_server;
        server_name  _;
        return       421;
    }

    server {
        listen       127.0.0.1:%{port};
        server_name  localhost 127.0.0.1;

        location /jamhook/ { jamhook_portal; }

        location = /e {
            jamhook_endpoint  e;
            jamhook_sign      keys/S1.key;
            proxy_pass        http://127.0.0.1:%{refused};
        }
    }
});

# a page's own call: a browser calls its origin by that name
sub status {
    my ($method, $path, $host) = @_;

    return $nginx->send(join "\r\n", "$method /jamhook/$path HTTP/1.1",
                        "Host: $host", "Origin: http://$host",
                        'Sec-Fetch-Site: same-origin', 'X-Jamhook-Request: 1',
                        'Connection: close', '', '')->{status};
}

my $port = $nginx->port;

for my $host ("localhost:$port", "127.0.0.1:$port") {
    is status('GET', '', $host), 200, "$host: the page";
    is status('GET', 'api/events', $host), 200, '... a call that looks';
    is status('POST', 'api/endpoints/e/pause', $host), 200,
       '... and one that acts';
}

for my $host ("elsewhere.example:$port", 'elsewhere.example',
              "localhost.elsewhere.example:$port", "[::1]:$port")
{
    is status('GET', '', $host), 421, "$host: no page";
    is status('GET', 'api/events', $host), 421, '... no call';
    is status('POST', 'api/endpoints/e/resume', $host), 421,
       '... and nothing is done';
}

# nobody says to a browser that another origin's page may read, or ask with a
# header of its own

for my $method (qw(GET OPTIONS)) {
    my $answer = $nginx->send(join "\r\n",
        "$method /jamhook/api/events HTTP/1.1", "Host: localhost:$port",
        'Origin: https://elsewhere.example', 'Sec-Fetch-Site: cross-site',
        'Access-Control-Request-Method: POST',
        'Access-Control-Request-Headers: x-jamhook-request',
        'Connection: close', '', '');

    is $answer->{status}, $method eq 'GET' ? 200 : 405, "$method of its";
    is_deeply [grep { /^access-control/ } keys %{ $answer->{headers} }], [],
              '... and no CORS header';
}

# without that default server it is this portal's to answer
ok $nginx->reload(http => $nginx->{http} =~ s/\A\s*server \{.*?\n    \}\n//sr),
   'a portal that is the default server';
is status('GET', 'api/events', "elsewhere.example:$port"), 200,
   '... answers to any name';

$nginx->ends_well;
done_testing;

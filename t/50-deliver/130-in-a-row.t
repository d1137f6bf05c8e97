# What only shows with one event after the other.

use lib 't/lib';
use Test::More;
use Jamhook::Nginx;

my $target = Jamhook::Target->new;

my $nginx = Jamhook::Nginx->new(target => $target->port, http => q{
    proxy_cache_path cache keys_zone=c:1m;

    upstream kept {
        server 127.0.0.1:%{target};
        keepalive 4;
    }

    proxy_http_version 1.1;
    proxy_set_header Connection "";
}, server => q{
    location = /kept { jamhook_pass kept; jamhook_verify keys/P1.key; }
    location = /cached { jamhook_pass cached; jamhook_verify keys/P1.key; }

    location /e/kept {
        jamhook_endpoint kept;
        jamhook_sign off;
        jamhook_timeout 2s;
        proxy_pass http://kept/kept;
    }

    location /e/cached {
        jamhook_endpoint cached;
        jamhook_sign off;
        proxy_cache c;
        proxy_cache_methods POST;
        proxy_cache_valid any 1h;
        proxy_cache_key same;
        proxy_ignore_headers Cache-Control Expires Set-Cookie Vary;
        proxy_pass http://127.0.0.1:%{target}/cached;
    }
});

# what the sender hears of an event
sub answer {
    my ($uri) = @_;
    return $nginx->send(Jamhook::event(body => '{"a":1}', uri => $uri))
           ->{status};
}

# the connections that the last requests came by
sub connections {
    my ($n) = @_;
    my @all = $target->requests;
    return map { $_->{conn} } @all[-$n .. -1];
}

is join(' ', map { answer('/kept') } 1 .. 3), '200 200 200', 'three events';
my ($first, @more) = connections(3);
is_deeply \@more, [$first, $first], '... take one connection';

$target->set('500 bytes=100 | 200 | 204 | 200');
is join(' ', map { answer('/kept') } 1 .. 4), '502 200 200 200', 'a failure';
is_deeply [connections(4)], [($first) x 4], '... keeps it as well';

$target->set('200 chunked bytes=20k | 200');
is join(' ', map { answer('/kept') } 1 .. 2), '200 200', 'chunks';
is_deeply [connections(2)], [($first) x 2], '... keep it too';

$target->set('hang | 200');
is join(' ', map { answer('/kept') } 1 .. 2), '504 200', 'a timeout';
my ($old, $new) = connections(2);
isnt $new, $old, '... gives the connection up';

$target->set('200 half | 200');
is join(' ', map { answer('/kept') } 1 .. 2), '200 200', 'half an answer';
($old, $new) = connections(2);
isnt $new, $old, '... gives it up too';

$target->set('200 bytes=3M | 200');
is join(' ', map { answer('/kept') } 1 .. 2), '200 200', 'megabytes';

$target->set('200 finish | 200');
is join(' ', map { answer('/kept') } 1 .. 2), '200 200', 'a last answer';

# a kept connection that the target closes while nobody looks

$target->set('200');
is answer('/kept'), 200, 'before the target restarts';

my $port = $target->port;
$target->stop;
is answer('/kept'), 502, 'while it is away';

$target = Jamhook::Target->new('200', port => $port);
is answer('/kept'), 200, 'when it is back';

# a cache answers for nobody

$target->set('200 "Cache-Control: max-age=1000"');
my $before = $target->requests;
is join(' ', map { answer('/cached') } 1 .. 3), '200 200 200', 'a cache';
is $target->wait($before + 3) - $before, 3, '... and each event arrives';

$target->set('500 | 200');
is join(' ', map { answer('/cached') } 1 .. 2), '502 200', 'nor for a failure';

$nginx->ends_well;
done_testing;

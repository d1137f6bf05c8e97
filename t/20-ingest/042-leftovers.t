# What is left of a request is never taken for the next one, nor for an event.

use lib 't/lib';
use Test::More;
use Jamhook::Nginx;

my $target = Jamhook::Target->new('delay=300ms');

my $nginx = Jamhook::Nginx->new(target => $target->port, server => q{
    location = /jam { jamhook_pass e; jamhook_verify keys/P1.key; }

    location = /after {
        jamhook_pass e;
        jamhook_verify keys/P1.key;
        post_action /elsewhere;
    }

    location = /elsewhere { proxy_pass http://127.0.0.1:%{target}/elsewhere; }
    location = /smuggled { return 200 smuggled; }

    location = /e {
        jamhook_endpoint e;
        jamhook_sign off;
        proxy_pass http://127.0.0.1:%{target}/e;
    }
});

# a chunked body whose beginning is over client_max_body_size at once

my @event = split /\r\n\r\n/, Jamhook::event(body => 'x', chunked => 1), 2;
my $s = $nginx->connect;

print $s "$event[0]\r\nConnection: keep-alive\r\n\r\n",
         "200000\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
$s->flush;

my $raw = '';
my $end = time + 10 * $Jamhook::Env::PATIENCE;

while (time < $end) {
    my $got = IO::Select->new($s)->can_read(0.2)
              ? sysread $s, $raw, 65536, length $raw : undef;
    last if defined $got && $got == 0;
    last if !defined $got && $raw =~ /connection: close/i;
}

like $raw, qr{^HTTP/1.1 413 }, 'a chunk that is too large is refused';
like $raw, qr{^connection: close\r$}im, '... and the connection ends';
unlike $raw, qr/smuggled/, 'the rest of its body is no request';
close $s;

# post_action takes a request elsewhere when its client has left

$s = $nginx->connect;
print $s Jamhook::event(uri => '/after', body => '{"a":1}', id => 'msg_1');
$s->flush;

is $target->wait(1), 1, 'a delivery is under way';
close $s;

ok $nginx->wait_log('~ jamhook delivered: .*event: "msg_1"'),
   'it ends, with the request in another location';

my $answer = $nginx->send(Jamhook::event(body => '{"a":2}'));
is $answer->{status}, 200, 'the worker is still there';

$nginx->ends_well;
done_testing;

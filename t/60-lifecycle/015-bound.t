# modes: plain
#
# What waits for its turn has a bound, in events and in bytes: above it the
# sender is asked to come back.

use lib 't/lib';
use Test::More;
use Time::HiRes qw(time);
use Jamhook::Nginx;

my $target = Jamhook::Target->new('hang');

my $nginx = Jamhook::Nginx->new(target => $target->port, level => 'error',
    connections => 1024, server => q{
    client_max_body_size 16m;
    client_body_buffer_size 16m;
    location = /jam { jamhook_pass e; jamhook_verify off; }

    location = /e {
        jamhook_endpoint e;
        jamhook_sign off;
        jamhook_max_active 1;
        proxy_pass http://127.0.0.1:%{target};
    }
});

# events whose clients do not wait for the answer
sub leave {
    my ($n, $body) = @_;

    my $bytes = Jamhook::event(body => $body, key => 'none');
    my @stay;

    for (1 .. $n) {
        my $s = $nginx->connect;
        my $sent = 0;

        $sent += syswrite($s, $bytes, length($bytes) - $sent, $sent) || last
            while $sent < length $bytes;
        push @stay, $s;
        shift @stay if @stay > 200;
    }

    $nginx->taken;
}

sub fresh_worker {
    my ($old) = $nginx->workers;

    $nginx->signal('KILL', $old);
    $nginx->wait_for(sub { $nginx->workers == 1
                           && ($nginx->workers)[0] != $old });
}

# So many have come, and no more may. They have to come within the 12 s after
# which the first of them time out: where the machine was too busy for that,
# once again.
sub full {
    my ($name, $n, $body) = @_;
    my $answer;

    for my $try (1 .. 4) {
        my $time = time;

        leave($n, $body);
        $answer = $nginx->send(Jamhook::event(body => '{"a":1}',
                                              key => 'none'), 3);
        last if time - $time < 11 || $answer->{status} == 503;
        fresh_worker();
    }

    is $answer->{status}, 503, $name;
    like $answer->{body}, qr/"code":"unavailable"/, '... says so';
    is $answer->{headers}{'retry-after'}, 5, '... and when to come back';
}

sub release {
    my ($name) = @_;
    fresh_worker();
    $target->set('200');
    is $nginx->send(Jamhook::event(body => '{"a":1}', key => 'none'))
       ->{status}, 200, $name;
    $target->set('hang');
}

# bytes; none of them are read, as it would take the target too long

$target->set('deaf');
full('64 MiB wait', 6, '{"a":"' . ('x' x 15_000_000) . '"}');
release('a new worker takes events');

# events

full('8192 events wait', 8193, '{"a":1}');
release('a new worker takes events');

$nginx->ends_well(expected => ['~ exited on signal 9']);
done_testing;

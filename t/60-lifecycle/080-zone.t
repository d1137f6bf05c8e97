# Shared memory: a reload that takes it away or gives it back, and one that
# fails after it was made. Workers that come after that belong to the
# configuration before it.

use lib 't/lib', 't/66-metrics';
use Test::More;
use Jamhook::Nginx;
use Metrics;

my $target = Jamhook::Target->new;

my $server = q{
    location = /jam { jamhook_pass e; jamhook_verify keys/P1.key; }
    location = /metrics { jamhook_metrics; }

    location = /e {
        jamhook_endpoint e;
        jamhook_sign off;
        proxy_pass http://127.0.0.1:%{target}/e;
    }
};

my $idle = q{ location = /idle { return 204; } };

# a port that nginx cannot have
my $taken = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0,
                                  Listen => 1) or die "listen: $!";
my $in_use = 'server { listen 127.0.0.1:' . $taken->sockport . '; }';

my $nginx = Jamhook::Nginx->new(target => $target->port, server => $server,
                                workers => 2);

sub delivers {
    return $nginx->send(Jamhook::event(body => '{"a":1}'))->{status};
}

sub attempts {
    return Metrics::value(Metrics::scrape($nginx), 'attempts_total',
                          endpoint => 'e', outcome => 'succeeded');
}

# a reload that fails when all is read and shared memory is there
sub reload_fails {
    my (%change) = @_;

    my $failed = $nginx->logged('still could not bind()');
    my @before = sort $nginx->workers;

    $nginx->configure(%change, http => $in_use);
    $nginx->signal('HUP');

    return $nginx->wait_for(sub {
               $nginx->logged('still could not bind()') > $failed })
           && join(' ', @before) eq join ' ', sort $nginx->workers;
}

sub restarts_all {
    my @workers = $nginx->workers;

    $nginx->kill_worker($_) for @workers;

    return $nginx->wait_for(sub { $nginx->workers == 2 });
}


# there and away

is delivers(), 200, 'an event is delivered';
is attempts(), 1, '... and counted';

ok $nginx->reload(server => $idle), 'a reload to nothing that is counted';
is $nginx->get('/idle')->{status}, 204, '... works';
ok restarts_all(), '... and its workers are replaced';
is $nginx->get('/idle')->{status}, 204, '... and work';

ok reload_fails(server => $server), 'a reload that would have counted fails';
ok restarts_all(), '... and workers are replaced';
is $nginx->get('/idle')->{status}, 204, '... and work as before';

ok $nginx->reload(server => $server, http => ''), 'a reload back';
is delivers(), 200, '... delivers';
is attempts(), 1, '... and counts from the beginning';


# there, and a reload that fails

ok reload_fails(server => $server =~ s/\be\b/other/gr),
   'a reload with other names fails';
is delivers(), 200, '... and the old workers go on';
ok restarts_all(), '... and are replaced';
is delivers(), 200, '... and the new ones deliver';
is attempts(), 3, '... and count on';

ok reload_fails(server => $idle), 'a reload to nothing that is counted fails';
ok restarts_all(), '... and workers are replaced';
is delivers(), 200, '... and deliver';
is attempts(), 4, '... and count on';

$nginx->configure(server => $server =~ s/jamhook_pass e/jamhook_pass x/r,
                  http => '');
$nginx->signal('HUP');
ok $nginx->wait_log('~ \[emerg\].*"x"'), 'a reload that is refused';
ok restarts_all(), '... and workers are replaced';
is delivers(), 200, '... and deliver';
is attempts(), 5, '... and count on';

ok $nginx->reload(server => $server), 'a reload';
is delivers(), 200, '... delivers';
is attempts(), 6, '... and counts on';

is $nginx->logged('~ exited on signal (?!9\b)'), 0, 'no worker crashed';
$nginx->ends_well(expected => ['exited on signal 9', 'bind() to',
                               'still could not bind()', '"x"']);
done_testing;

# A portal from its first minute on: nothing there yet, all well, a store that
# does not work, an nginx that is gone, and both back again.
#
# modes: plain

use lib 't/lib', 't/75-browser';
use Test::More;
use Jamhook::Nginx;
use Browser;

my ($nginx, $target) = shop(faults => 1);
my $crit = qr/\[crit\].*jamhook store/;

browse('trouble', $nginx, can => {
    send => sub {
        my ($with) = @_;

        return event($nginx, recorded($with->{conversation}),
                     id => $with->{id})->{status} + 0;
    },

    break => sub { $nginx->faults->set(write => 'ENOSPC'); return 1 },
    mend => sub { $nginx->faults->clear; return 1 },

    # an endpoint that its nginx.conf has no longer, and that has a delivery
    drop => sub {
        event($nginx, recorded('late1'), uri => '/sales', key => 'P2');
        $nginx->store->wait_until(endpoint => 'crm', pending => 1);

        my $server = $nginx->{server};

        $server =~ s/crm legacy/legacy/;
        $server =~ s{location = /crm \{.*?\n +\}}{}s;

        return $nginx->reload(server => $server) ? 1 : 0;
    },

    stop => sub { return $nginx->stop ? 1 : 0 },
    start => sub { return $nginx->start ? 1 : 0 },
});

$nginx->ends_well(expected => [$crit]);

done_testing;

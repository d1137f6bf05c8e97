# A target with a limit of its own, as Intercom has: a backlog ends delivered,
# and not failed.
#
# stores: sqlite pgsql

use lib 't/lib';
use Test::More;
use Time::HiRes qw(time);
use Jamhook::Nginx;

my $n = $Jamhook::Env::UNDER ? 150 : 600;

# so many at once, and so many a second from then on

my $rate = $n / 10;

my $target = Jamhook::Nginx->new(name => 'target', no_module => 1,
    rate => $rate, http => q{
    limit_req_zone $server_port zone=all:1m rate=%{rate}r/s;
    limit_req_status 429;
    log_format status $status;
}, server => q{
    location / {
        access_log logs/status.log status;
        limit_req zone=all burst=%{rate} nodelay;
        add_header Retry-After 1 always;
        proxy_pass http://127.0.0.1:%{port}/taken/;
    }
    location /taken/ { access_log off; return 200; }
}, level => 'crit', connections => 1024);

my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
    workers => 2, level => 'crit', connections => 1024, server => q{
    location = /jam { jamhook_pass e; jamhook_verify keys/P1.key; }
    location = /e {
        jamhook_endpoint  e;
        jamhook_sign      off;
        jamhook_retry     1s 1s 1s 1s 1s 1s 1s;
        proxy_pass        http://127.0.0.1:%{target}/e;
    }
});

my $refused = 0;
my $time = time;

for my $i (1 .. $n) {
    $refused += $nginx->send(Jamhook::event(body => '{"a":1}',
                                            id => "msg_$i"))->{status} != 200;
}

my $took = time - $time;

is $refused, 0, "$n events are stored, however slow their target is";
ok $nginx->store->idle(90), '... and none is stuck';
is_deeply $nginx->store->counts,
          { succeeded => $n, failed => 0, pending => 0, sending => 0 },
          '... all of them are delivered, and none is given up';

my %status;

# an answer is there before its line
$nginx->wait_for(sub {
    %status = ();
    $status{$_}++ for split /\n/,
                      Jamhook::Env::slurp($target->dir . '/logs/status.log');
    ($status{200} || 0) >= $n });

SKIP: {
    skip 'they came too slowly', 1 if $took > 5;
    cmp_ok $status{429} || 0, '>', 0, '... though the target refused some';
}

is $status{200}, $n, '... it took each of them once';
cmp_ok $status{429} || 0, '<', 4 * $n, '... and was not run over';

diag join ', ', map { "$_: $status{$_}" } sort keys %status if $ENV{SHOW};

$nginx->ends_well;
$target->ends_well;
done_testing;

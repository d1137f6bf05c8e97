# Reload and QUIT with deliveries under way: they finish, and then the old
# worker ends.

use lib 't/lib';
use Test::More;
use Time::HiRes qw(time);
use Jamhook::Nginx;

my $target = Jamhook::Target->new;

my $server = q{
    location = /jam { jamhook_pass e; jamhook_verify keys/P1.key; }
    location = /turns { jamhook_pass turns; jamhook_verify keys/P1.key; }

    location = /e {
        jamhook_endpoint e;
        jamhook_sign off;
        proxy_pass http://127.0.0.1:%{target}/old;
    }

    location = /turns/e {
        jamhook_endpoint turns;
        jamhook_sign off;
        jamhook_max_active 1;
        proxy_pass http://127.0.0.1:%{target}/turns;
    }

    location = /status { stub_status; access_log off; }
};

my $nginx = Jamhook::Nginx->new(target => $target->port, server => $server);

sub begin {
    my (%e) = @_;
    my $s = $nginx->connect;
    print $s Jamhook::event(body => '{"a":1}', %e);
    $s->flush;
    return $s;
}

# the status of an answer; a client that stays would keep a worker that ends
sub status {
    my ($s) = @_;
    my $status = $nginx->read($s)->{status};
    close $s;
    return $status;
}

# a worker ends as soon as it may, which is a matter of milliseconds
sub gone {
    my ($pid) = @_;
    return $nginx->wait_for(sub { !Jamhook::Env::is_running($pid) });
}

# a reload

$target->set('hold');
my ($old) = $nginx->workers;
my $s = begin(id => 'msg_1');
$target->wait(1);

ok $nginx->reload(server => $server =~ s{/old}{/new}r), 'a reload';
ok Jamhook::Env::is_running($old), 'the old worker stays for a delivery';

$target->set('200');
is status($s), 200, 'the answer reaches the client';
ok gone($old), 'then the old worker ends';

$target->set('200');
is $nginx->send(Jamhook::event(body => '{}'))->{status}, 200, 'the new one';
my @paths = map { $_->{path} } $target->requests;
is_deeply \@paths, ['/old', '/new'], 'each has its own configuration';

# reloads again and again, while events come in

$target->set('delay=50ms');
my $before = $target->requests;
my @clients;

for my $i (1 .. 5) {
    push @clients, map { begin() } 1 .. 6;
    $target->wait($before + 6 * $i);
    $nginx->reload;
}

is join(' ', map { status($_) } @clients),
   join(' ', (200) x 30), 'reloads among events lose no answer';
is scalar($target->requests) - $before, 30, '... and no event';
ok $nginx->wait_for(sub { $nginx->workers('all') == 1 }), 'one worker is left';

# deliveries that wait for their turn

$target->set('delay=200ms');
$before = $target->requests;
($old) = $nginx->workers;
@clients = map { begin(uri => '/turns') } 1 .. 4;
$target->wait($before + 1);
$nginx->taken;
$nginx->reload;

is join(' ', map { status($_) } @clients), '200 200 200 200',
   'those that wait have their turn';
is scalar($target->requests) - $before, 4, 'and arrive once';
ok gone($old), 'then the old worker ends';

# an endpoint that is gone after the reload

$target->set('delay=300ms');
$before = $target->requests;
($old) = $nginx->workers;
$s = begin(uri => '/turns');
$target->wait($before + 1);
$nginx->reload(server => $server =~ s/location = \/turns.*?\n\n//sgr
                                 =~ s/location = \/turns\/e \{.*?\n    \}//sr);
is status($s), 200, 'an endpoint that is gone';
ok gone($old), 'no reason to stay';

# a client that left, and a reload

$nginx->reload(server => $server);
$target->set('hold');
$before = $target->requests;
($old) = $nginx->workers;
$s = begin();
$target->wait($before + 1);
close $s;
$nginx->reload;
ok Jamhook::Env::is_running($old), 'it stays for a delivery with no client';
$target->set('200');
ok gone($old), 'and ends after it';

# a configuration that is refused

my ($worker) = $nginx->workers;
$nginx->configure(server => $server . 'jamhook_timeout never;');
$nginx->signal('HUP');
ok $nginx->wait_log('~ \[emerg\].*jamhook_timeout'), 'a mistake is refused';
is_deeply [$nginx->workers], [$worker], 'and the worker stays';
$target->set('200');
is $nginx->send(Jamhook::event(body => '{}'))->{status}, 200, 'and works';
$nginx->configure(server => $server);

# an idle worker that has delivered before does not linger

my $time = time;
($old) = $nginx->workers;
$nginx->reload;
ok gone($old), 'an idle worker ends';
cmp_ok time - $time, '<', 4 * $Jamhook::Env::PATIENCE, '... at once';

# QUIT

$target->set('delay=400ms');
$before = $target->requests;
@clients = map { begin() } 1 .. 3;
$target->wait($before + 3);
my $pid = $nginx->pid;
$nginx->signal('QUIT');

is join(' ', map { status($_) } @clients), '200 200 200',
   'QUIT waits for deliveries';
ok gone($pid), 'and then it ends';

$nginx->ends_well(expected => ['~ \[emerg\].*jamhook_timeout']);
done_testing;

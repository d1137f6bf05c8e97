# worker_connections that run out: a defined answer, and no crash.

use lib 't/lib';
use Test::More;
use Jamhook::Nginx;

my $target = Jamhook::Target->new;

my $server = q{
    location = /jam { jamhook_pass e; jamhook_verify keys/P1.key; }
    location = /both { jamhook_pass e fin; jamhook_verify keys/P1.key; }

    location = /e {
        jamhook_endpoint e;
        jamhook_sign off;
        proxy_pass http://127.0.0.1:%{target}/e;
    }

    location /fin {
        jamhook_endpoint fin;
        jamhook_connector intercom_fin;
        jamhook_sign off;
        proxy_pass http://127.0.0.1:%{target}/fin;
    }

    location = /status { stub_status; access_log off; }
};

my $nginx = Jamhook::Nginx->new(target => $target->port, server => $server,
    connections => 16, http => 'keepalive_timeout 60s;');

my ($worker) = $nginx->workers;
my $event = Jamhook::event(body => '{"conversationId":"7"}',
                           headers => [['Connection', 'keep-alive']]);

# clients that hold all connections, and then one of them sends its event

my @all;

for my $n (1 .. 40) {
    my $s = $nginx->connect;
    syswrite $s, substr $event, 0, 20;
    push @all, $s;
}

# not by a client that nginx could still close to make room ("reusing"): one
# whose first bytes it has not read yet

ok $nginx->wait_log('~ worker_connections are not enough(?!, reusing)'),
   'all are taken';

syswrite $all[0], substr $event, 20;
my $answer = $nginx->read($all[0], 5);
is $answer->{status}, 502, 'a delivery with no connection left';
like $answer->{body}, qr/"code":"delivery_failed"/, '... says so';
ok $nginx->wait_log('jamhook delivery failed: interrupted'), '... in the log';
is scalar $target->requests, 0, '... and is not sent';

close $_ for @all;

is_deeply [$nginx->workers], [$worker], 'the worker lives';
ok $nginx->wait_for(sub { $nginx->send($event)->{status} == 200 }),
   'and delivers when there are connections again';

# deliveries with no connection left at all: those that wait have their turn

$target->set('delay=100ms');
@all = map { my $s = $nginx->connect; syswrite $s, $event; $s } 1 .. 8;
is join(' ', map { $nginx->read($_, 5)->{status} } @all),
   join(' ', (200) x 8), 'half of them in use';
close $_ for @all;

# to several endpoints at once

@all = map {
    my $s = $nginx->connect;
    syswrite $s, Jamhook::event(body => '{"conversationId":"7"}',
                                uri => '/both');
    $s;
} 1 .. 6;
is join(' ', map { $nginx->read($_, 5)->{status} } @all),
   join(' ', (200) x 6), 'two deliveries each';
close $_ for @all;

# a file limit that is reached

$nginx->stop;
$nginx->configure(main => 'worker_rlimit_nofile 24;', connections => 256);
$nginx->start;
($worker) = $nginx->workers;
$target->set('delay=300ms');

my @idle = map { $nginx->connect } 1 .. 8;
@all = map { my $s = $nginx->connect; syswrite $s, $event; $s } 1 .. 12;
my %got;
$got{ $nginx->read($_, 0.5)->{status} }++ for @all;
ok $nginx->logged('Too many open files'), 'no file is left';
is_deeply [grep { !/^(200|502|503|0)$/ } keys %got], [], 'known answers';
close $_ for @all, @idle;

is_deeply [$nginx->workers], [$worker], 'the worker lives';
$target->set('200');
ok $nginx->wait_for(sub { $nginx->send($event)->{status} == 200 }),
   'and delivers when there are files again';

$nginx->ends_well(expected => ['~ worker_connections',
                               '~ \[(crit|alert)\].*Too many open files',
                               '~ socket\(\) failed']);
done_testing;

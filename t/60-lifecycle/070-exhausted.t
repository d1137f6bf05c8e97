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

# clients that hold all connections, and then one of them sends its event; one
# that was told "100 Continue" has been read from, so that nginx does not close
# it to make room

my ($head, $body) = split /(?<=\r\n\r\n)/,
    Jamhook::event(body => '{"conversationId":"7"}',
                   headers => [['Connection', 'keep-alive'],
                               ['Expect', '100-continue']]);
my (@all, $told, $n);

do {
    my $s = $nginx->connect;
    syswrite $s, $head;
    $n = sysread $s, $told, 4096;
    push @all, $s if $n;
} while ($n && @all < 40);

ok @all > 4 && @all < 16, 'all are taken';
ok $nginx->wait_log('~ worker_connections are not enough$'), '... says nginx';

syswrite $all[0], $body;
my $answer = $nginx->read($all[0]);
is $answer->{status}, 502, 'a delivery with no connection left';
like $answer->{body}, qr/"code":"delivery_failed"/, '... says so';
ok $nginx->wait_log('jamhook delivery failed: interrupted'), '... in the log';
is scalar $target->requests, 0, '... and is not sent';

close $_ for @all;

is_deeply [$nginx->workers], [$worker], 'the worker lives';
ok $nginx->wait_for(sub { $nginx->send($event)->{status} == 200 }),
   'and delivers when there are connections again';

my $left = sub {
    my $status = $nginx->send("GET /status HTTP/1.1\r\nHost: localhost\r\n"
                              . "Connection: close\r\n\r\n");
    return $status->{body} =~ /^Active connections: 1 $/m;
};

ok $nginx->wait_for($left), 'and all clients are gone';

# deliveries with no connection left at all: those that wait have their turn

$target->set('delay=100ms');
@all = map { my $s = $nginx->connect; syswrite $s, $event; $s } 1 .. 8;
is join(' ', map { $nginx->read($_)->{status} } @all),
   join(' ', (200) x 8), 'half of them in use';
close $_ for @all;
ok $nginx->wait_for($left), '... and all clients are gone';

# to several endpoints at once

@all = map {
    my $s = $nginx->connect;
    syswrite $s, Jamhook::event(body => '{"conversationId":"7"}',
                                uri => '/both');
    $s;
} 1 .. 6;
is join(' ', map { $nginx->read($_)->{status} } @all),
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
ok $nginx->wait_log('Too many open files'), 'no file is left';
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

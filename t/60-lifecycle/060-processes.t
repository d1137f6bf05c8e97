# Other ways to run nginx: one process, several workers, accept_mutex.

use lib 't/lib';
use Test::More;
use Jamhook::Nginx;

my $target = Jamhook::Target->new;

my $server = q{
    location = /jam { jamhook_pass e; jamhook_verify keys/P1.key; }
    location = /turns { jamhook_pass turns; jamhook_verify keys/P1.key; }

    location = /e {
        jamhook_endpoint e;
        jamhook_sign keys/S1.key;
        proxy_pass http://127.0.0.1:%{target}/e;
    }

    location = /turns/e {
        jamhook_endpoint turns;
        jamhook_sign off;
        jamhook_max_active 1;
        proxy_pass http://127.0.0.1:%{target}/turns;
    }
};

sub begin {
    my ($nginx, $n, %e) = @_;

    return map {
        my $s = $nginx->connect;
        print $s Jamhook::event(body => '{"a":1}', %e);
        $s->flush;
        $s;
    } 1 .. $n;
}

sub statuses {
    my ($nginx, @clients) = @_;
    my @statuses = map { $nginx->read($_)->{status} } @clients;

    close $_ for @clients;

    return join ' ', @statuses;
}

# two workers

{
    my $nginx = Jamhook::Nginx->new(target => $target->port, workers => 2,
        server => $server, events => 'accept_mutex on; multi_accept on;',
        name => 'two');

    is scalar $nginx->workers, 2, 'two workers';
    is statuses($nginx, begin($nginx, 40)), join(' ', (200) x 40),
       'two workers with accept_mutex';
    is scalar $target->requests, 40, '... deliver each event once';

    my %old = map { $_ => 1 } $nginx->workers;
    $target->set('delay=300ms');
    my @clients = begin($nginx, 10);
    $target->wait(50);
    ok $nginx->reload, 'a reload';
    is statuses($nginx, @clients), join(' ', (200) x 10), '... loses none';
    ok $nginx->wait_for(sub { !grep { Jamhook::Env::is_running($_) }
                              keys %old }), 'the old workers end';
    $nginx->ends_well;
}

# reuseport

{
    $target->set('200');
    my $before = $target->requests;
    my $nginx = Jamhook::Nginx->new(target => $target->port, workers => 2,
        listen => 0, name => 'reuseport',
        http => "server { listen 127.0.0.1:%{port} reuseport; $server }");

    is statuses($nginx, begin($nginx, 40)), join(' ', (200) x 40), 'reuseport';
    is $target->requests - $before, 40, '... delivers each event once';
    $nginx->ends_well;
}

# accept_mutex with one worker

{
    $target->set('200 | 500 | hang');
    my $before = $target->requests;
    my $nginx = Jamhook::Nginx->new(target => $target->port, name => 'mutex',
        events => 'accept_mutex on; multi_accept on;',
        server => 'jamhook_timeout 2s;' . $server);

    is statuses($nginx, begin($nginx, 1)), '200', 'accept_mutex, one worker';
    is statuses($nginx, begin($nginx, 1)), '502', '... a failure';
    is statuses($nginx, begin($nginx, 1)), '504', '... a timeout';
    is $target->requests - $before, 3, '... three requests';
    $nginx->ends_well;
}

# one process that is no master

SKIP: {
    skip 'too slow', 11 if $Jamhook::Env::UNDER eq 'valgrind';

    $target->set('200');
    my $before = $target->requests;
    my $nginx = Jamhook::Nginx->new(target => $target->port, stopped => 1,
        name => 'single', server => $server,
        main => 'master_process off; daemon off;');

    my $pid = fork;
    die "fork: $!" unless defined $pid;

    if ($pid == 0) {
        open STDERR, '>>', $nginx->dir . '/stderr';
        exec $Jamhook::Env::NGINX, '-e', 'logs/error.log', '-p',
             $nginx->dir . '/', '-c', 'nginx.conf';
        die "exec: $!";
    }

    my $up = Jamhook::Env::wait_for(sub {
        IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                              PeerPort => $nginx->port) });
    ok $up, 'a single process';
    close $up;

    is statuses($nginx, begin($nginx, 5)), '200 200 200 200 200', 'delivers';

    # HUP: nginx itself takes no connection after it in this mode (1.22), but
    # what is under way ends well

    $target->set('delay=400ms');
    my @clients = (begin($nginx, 2), begin($nginx, 2, uri => '/turns'));
    my @left = begin($nginx, 2);
    $target->wait($before + 10);
    close $_ for @left;
    kill 'HUP', $pid;
    ok $nginx->wait_log('~ reconfiguring'), 'HUP';

    is statuses($nginx, @clients), '200 200 200 200',
       'deliveries under way at HUP end well';
    is $target->requests - $before, 11, '... and are not repeated';

    # again and again: a signal that comes between two waits for events is not
    # looked at before the next event, of which there is none
    my $again = 0;
    ok $nginx->wait_for(sub {
           kill 'HUP', $pid if time >= $again;
           $again = time + 2 if time >= $again;
           $nginx->logged('~ \[notice\] \S+ reconfiguring$') >= 2 }),
       'HUP with nothing under way';

    # the same
    my $ended = Jamhook::Env::wait_for(sub {
        kill 'QUIT', $pid;
        waitpid($pid, 1) == $pid });
    ok $ended, 'QUIT ends it';
    is $?, 0, '... well' or kill 'KILL', $pid;

    is_deeply [Jamhook::Env::faults([$nginx->log])], [], 'its log is clean';
    rename $_, s/under/found/r for glob "$Jamhook::Env::TMP/under.*";
}

done_testing;

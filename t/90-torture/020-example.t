# modes: plain
# stores: pgsql
#
# The files in t/run/two-nodes, as they are but for addresses, ports and paths:
# an event goes through the balancer into the store, and the node that took it
# dies before it is delivered; the other one delivers it.

use lib 't/lib';

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

use Jamhook ();
use Jamhook::Nginx;
use Jamhook::Pg;
use Jamhook::Target;

my $dir = Jamhook::Env::tmp();
my $files = "$Jamhook::Env::TOP/t/run/two-nodes";
my ($crt, $key) = Jamhook::Env::certificate();


# what stands in one of the files, with this in place of that, each of which is
# there
sub file {
    my ($name, @changes) = @_;

    my $text = Jamhook::Env::slurp("$files/$name");

    while (my ($that, $this) = splice @changes, 0, 2) {
        $text =~ s/\Q$that\E/$this/g or die "no \"$that\" in $name\n";
    }

    return "$text\n";
}


# the servers, with their certificate and rules

my $pg = Jamhook::Pg->new(
    conf => file('postgresql.conf', q('*'), q('127.0.0.1'))
            . "ssl_cert_file = 'server.crt'\nssl_key_file = 'server.key'\n",
    stopped => 1);

Jamhook::Env::write_file($pg->data . '/server.crt', Jamhook::Env::slurp($crt));
Jamhook::Env::write_file($pg->data . '/server.key',
                         Jamhook::Env::slurp($key) . "\n");

my $rules = $pg->data . '/pg_hba.conf';
my $theirs = Jamhook::Env::slurp($rules);

Jamhook::Env::write_file($rules,
    file('pg_hba.conf', '10.0.0.0/24' => '127.0.0.0/8')
    . "host all jamhook all reject\n$theirs\n");

if (my ($uid, $gid) = Jamhook::Pg::ids()) {
    chown $uid, $gid, map { $pg->data . "/server.$_" } qw(crt key);
}

# database.sh makes the user
$pg->{role} = 1;
$pg->start;

my $bin = Jamhook::Pg::bindir();
my $said = do {
    local %ENV = (%ENV, PATH => "$bin:$ENV{PATH}", PGHOST => '127.0.0.1',
                  PGPORT => $pg->port, PGUSER => 'postgres');
    `$files/database.sh`;
};

is $?, 0, 'database.sh makes user and database';
like $said, qr/\A\*:\*:jamhook:jamhook:[0-9a-f]{48}\n\z/,
    '... and says what goes into pgpass';
Jamhook::Env::write_file("$dir/pgpass", $said, 0600);

my $standby = Jamhook::Pg->new(standby_of => $pg, sync => 1,
                               conf => $pg->{conf});


# the nodes: they listen where their file says

my $target = Jamhook::Target->new('hang');

Jamhook::Env::write_file("$dir/fin.url",
    'proxy_pass http://127.0.0.1:' . $target->port . "/fin;\n");

my $hosts = join ',', map { '127.0.0.1:' . $_->port } $pg, $standby;
my (@ports, @portals, @nodes);

for my $i (0, 1) {
    $ports[$i] = Jamhook::Env::free_port();
    $portals[$i] = Jamhook::Env::free_port();

    push @nodes, Jamhook::Nginx->new(
        name => "node$i", listen => 0, port => $ports[$i],
        http => "jamhook_timeout 2s; jamhook_retry 100ms;\n" . file('node.conf',
            '10.0.0.21,10.0.0.22' => $hosts,
            '/etc/nginx/jamhook/db.pem' => $crt,
            '/etc/nginx/jamhook/pgpass' => "$dir/pgpass",
            '/etc/nginx/jamhook/jam.key' => 'keys/P1.key',
            '/etc/nginx/jamhook/fin.key' => 'keys/S1.key',
            '/etc/nginx/jamhook/fin.url' => "$dir/fin.url",
            '10.0.0.11:8080' => "127.0.0.1:$ports[$i]",
            '10.0.0.10' => '127.0.0.1',
            '127.0.0.1:8090' => "127.0.0.1:$portals[$i]"));
}

my $balancer = Jamhook::Nginx->new(
    name => 'balancer', listen => 0, no_module => 1,
    http => file('balancer.conf',
        '10.0.0.11:8080' => "127.0.0.1:$ports[0]",
        '10.0.0.12:8080' => "127.0.0.1:$ports[1]",
        '443 ssl' => '127.0.0.1:%{port}',
        "\n    ssl_certificate      /etc/nginx/jamhook/hooks.pem;" => '',
        "\n    ssl_certificate_key  /etc/nginx/jamhook/hooks.key;" => ''));


sub count {
    my ($what) = @_;

    return $pg->value('jamhook', $what);
}


# an event that one node takes, and that hangs at the target

my $event = Jamhook::event(
    uri => '/jam', id => 'msg_two',
    body => '{"id":"evt_1","type":"intercom.recorder.recorded",'
            . '"created_at":"2026-01-01T00:00:00Z","data":'
            . '{"conversationId":"c1","jamId":"j1",'
            . '"recording_url":"https://jam.dev/r/1"}}');
my $answer = $balancer->send($event);

is $answer->{status}, 200, 'an event goes through the balancer';
like $answer->{body}, qr/"stored"/, '... into the store'
    or diag map { $_->log } @nodes;

# the log is written after the answer
my @took;

Jamhook::Env::wait_for(sub {
    @took = grep { $nodes[$_]->logged(qr/msg_two/)
                   || join("\n", $nodes[$_]->access) =~ m{POST /jam} } 0, 1 });

is scalar @took, 1, '... by one of the nodes';

ok Jamhook::Env::wait_for(sub {
    count('select count(*) from jamhook.deliveries where state = 1') }),
    'it is under way';

my ($dead) = @took;
my $other = 1 - $dead;

$nodes[$dead]->kill_all;
my $killed = time;

# the target is well again
$target->set('200');

ok Jamhook::Env::wait_for(sub {
    count('select count(*) from jamhook.deliveries where state = 2') },
    30 * $Jamhook::Env::PATIENCE),
    'the other node delivers it';

note sprintf 'after %.1f s', time - $killed;

is count('select count(*) from jamhook.attempts where result = 2'), 1,
    'the attempt of the dead node is known as interrupted';

# the balancer goes on with the one that is left, for the same event as well

$answer = $balancer->send($event);

is $answer->{status}, 200, 'the sender is answered by the node that is left';
like $answer->{body}, qr/"duplicate"/, '... which knows the event';


# the portal and the metrics of that node

sub get {
    my ($path) = @_;

    local $nodes[$other]{port} = $portals[$other];

    return $nodes[$other]->get($path);
}

$answer = get('/jamhook/api/events');
is $answer->{status}, 200, 'its portal answers';
like $answer->{body}, qr/msg_two/, '... and shows the event';

$answer = get('/metrics');
like $answer->{body}, qr/^jamhook_store_up 1$/m,
    'its metrics say that all is well';

# the password is nowhere
my ($password) = $said =~ /([0-9a-f]{48})/;

ok !(grep { /$password/ } map { $_->log } @nodes, $pg, $standby),
   'no log has the password';

$nodes[$other]->ends_well;
$balancer->ends_well(name => 'the balancer ends well');

done_testing;

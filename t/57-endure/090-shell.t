# An operator's sqlite3 shell beside a running nginx: it reads, it makes a copy,
# and the copy is a store.

use lib 't/lib', 't/57-endure';
use Test::More;
use Time::HiRes qw(time);
use Jamhook::Nginx;
use Jamhook::Store;
use Endure;

my $target = Jamhook::Target->new("/e 200\n/w 500\n/h hang");
my $server = ingest('e') . ingest('w', '/wait') . ingest('h', '/hanging')
    . endpoint('e')
    . endpoint('w', 'jamhook_retry 60s 60s;')
    . endpoint('h', 'jamhook_timeout 10m; jamhook_retry 100ms;');
my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
    server => $server, workers => 2);
my $store = $nginx->store;

sub to {
    my ($where, @ids) = @_;

    return map { $nginx->send(Jamhook::event(
        body => '{"a":1,"conversationId":"7"}', id => $_, uri => $where))
        ->{status} } @ids;
}

# the views

to('/jam', 'e1');
to('/wait', 'w1');
to('/hanging', 'h1');
ok $store->wait_until(succeeded => 1, pending => 1, sending => 1),
   'a delivery is done, one waits, one is under way';

my $time = qr/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/;

my %delivery = map { $_->{id} => $_ }
               $store->rows('select * from show_deliveries');
is_deeply { map { $_ => [@{ $delivery{$_} }{qw(endpoint state attempts)}] }
            keys %delivery },
          { e1 => ['e', 'succeeded', 1], w1 => ['w', 'pending', 1],
            h1 => ['h', 'sending', 1] }, 'show_deliveries says so';
like $delivery{w1}{next_attempt_at}, $time, '... and when the next one is due';
is $delivery{e1}{next_attempt_at}, undef, '... where one is';

my %event = map { $_->{id} => $_ } $store->rows('select * from show_events');
is_deeply [sort keys %event], [qw(e1 h1 w1)], 'show_events has the events';
is $event{w1}{source}, '/wait', '... and where they came by';
is $event{w1}{bytes}, 28, '... and how long they are';
like $event{w1}{received_at}, $time, '... and when they came';

my @attempts = $store->rows('select * from show_attempts order by id');
is_deeply [map { [@$_{qw(id endpoint number trigger result status)}] }
           @attempts],
          [['e1', 'e', 1, 'scheduled', 'succeeded', 200],
           ['w1', 'w', 1, 'scheduled', 'failed', 500]],
          'show_attempts has what has ended';

my @endpoints = $store->rows('select * from show_endpoints order by name');
is_deeply [map { [@$_{qw(name state reason)}] } @endpoints],
          [['e', 'active', undef], ['h', 'active', undef],
           ['w', 'active', undef]], 'show_endpoints has the endpoints';
like $endpoints[2]{failing_since}, $time, '... and since when one fails';

# a shell that reads, and reads

{
    my $sender = Endure->new($nginx, 'r');
    my ($read, $last, $fell) = (0, 0, 0);

    $nginx->wait_for(sub {
        my $now = $store->value('select count(*) from show_deliveries');
        $read++;
        $fell++ if $now < $last;
        $last = $now;
        return $read >= 40;
    }, 20 * $Jamhook::Env::PATIENCE);

    is $read, 40, 'a shell reads while events come in';
    cmp_ok $last, '>', 10, '... and sees them';
    is $fell, 0, '... more and more';

    # one that keeps its transaction open does not hold up nginx

    open my $shell, '|-', 'sqlite3 ' . $store->file . ' > /dev/null' or die $!;
    $shell->autoflush(1);
    print $shell "begin;\nselect count(*) from events;\n"
                 . ".shell touch @{[ $nginx->dir ]}/reads\n";
    $nginx->wait_for(sub { -e $nginx->dir . '/reads' });

    my $before = keys %{ $sender->sent };
    ok $sender->wait($before + 50),
       '... and one in a transaction holds up none';
    print $shell "rollback;\n.quit\n";
    close $shell;
    $sender->stop;
    is $sender->repeated, 0, '... no event was refused';
    is $nginx->logged(qr/jamhook store .*(?:does not work|not be read)/), 0,
       '... and nothing was said of it';
}

# a copy of it while it works

my $copy = Jamhook::Env::tmp() . '/copy';
mkdir $copy, 0700 or die $!;

my $sender = Endure->new($nginx, 'c');
$sender->wait(20);
my %before = %{ $sender->sent };
my ($status, $said) = $store->shell(".backup '$copy/jamhook.db'");
is $status, 0, 'a live .backup succeeds' or diag $said;
$sender->stop;
is $sender->repeated, 0, '... and no event was refused meanwhile';

my $restored = Jamhook::Store->new($copy);
is $restored->check, 'ok', '... the copy is whole';
is_deeply [grep { !$nginx->store->value('select count(*) from events where id ='
               . Jamhook::Store::quote($_)) } keys %before], [],
          '... the original too';

# the machine is lost: what was pending or under way goes on from the copy

$nginx->kill_all;

my $before = $target->requests;
$target->set('200');

# its time has come
$restored->shell('update deliveries set next_at = 1 where state = 0',
                 write => 1);

my $other = Jamhook::Nginx->new(target => $target->port, name => 'other',
    server => $server, http => "jamhook_store sqlite:$copy;");
my $time_before = time;

ok $restored->idle(20 * $Jamhook::Env::PATIENCE),
   'an nginx on the copy goes on';
cmp_ok time - $time_before, '<', 25 * $Jamhook::Env::PATIENCE,
       '... not only when leases end';

my %paths;
$paths{$_->{path}}++ for ($target->requests)[$before .. $target->requests - 1];
is $paths{'/w'}, 1, '... what waited is sent';
is $paths{'/h'}, 1, '... and what was under way is sent again';
is $restored->counts->{failed}, 0, '... none fails';
is_deeply [grep { !$restored->value('select count(*) from events where id ='
               . Jamhook::Store::quote($_)) } keys %before], [],
          '... it has all that came before the copy was made';

my $answer = $other->send(Jamhook::event(
    body => '{"a":1,"conversationId":"7"}', id => 'e1'));
like $answer->{body}, qr/"duplicate"/, '... what it has is a duplicate';
$answer = $other->send(Jamhook::event(body => '{"a":1}', id => 'new'));
like $answer->{body}, qr/"stored"/, '... and new events are stored';
ok $restored->idle, '... and delivered';
is $restored->check, 'ok', '... it is whole';
$other->ends_well;

done_testing;

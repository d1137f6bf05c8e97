# jamhook_rate: attempts to an endpoint by all workers together.
#
# stores: sqlite pgsql

use lib 't/lib';
use Test::More;
use Time::HiRes qw(time);
use Jamhook::Nginx;

my $target = Jamhook::Target->new;
my $patience = 10 * $Jamhook::Env::PATIENCE;

my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
    workers => 4, server => join '', map {
        my ($name, $rules) = @$_;
        qq{
            location = /in-$name {
                jamhook_pass $name;
                jamhook_verify keys/P1.key;
            }
            location = /$name {
                jamhook_endpoint $name;
                jamhook_sign off;
                $rules
                proxy_pass http://127.0.0.1:%{target}/$name;
            }
        };
    } ['five', 'jamhook_rate 5r/s;'], ['fifty', 'jamhook_rate 50r/s;'],
      ['minute', 'jamhook_rate 60r/m;'], ['off', 'jamhook_rate off;'],
      ['tries', 'jamhook_rate 10r/s; jamhook_retry 1ms 1ms 1ms 1ms;'],
      ['slow', 'jamhook_rate 1r/m;']);

my $store = $nginx->store;
my $serial = 0;

sub post {
    my ($name, $n) = @_;

    my @clients = map {
        my $s = $nginx->connect;
        print $s Jamhook::event(id => 'msg_' . ++$serial, uri => "/in-$name",
                                body => '{"a":1}');
        $s->flush;
        $s;
    } 1 .. $n;

    return scalar grep { $nginx->read($_)->{body} =~ /"stored"/ } @clients;
}

sub sent_at {
    my ($name) = @_;

    return map { $_->{at} } grep { $_->{path} eq "/$name" } $target->requests;
}

# From an attempt's turn to the target: a commit, and the way. A machine that is
# busy for a moment makes two of them come closer together than they were sent.
my $way = 0.25 + 0.1 * $Jamhook::Env::PATIENCE;

# the same by the store: between the turn and the attempt there is the commit
sub begun {
    my ($name) = @_;

    return map { $_->{started_at} / 1000 } $store->rows(
        'select started_at from attempts a join endpoints p'
        . " on p.id = a.endpoint where p.name = '$name' order by started_at");
}

# Whether any window of the target's log has more than one may: turns that were
# not taken add up for 100 ms, or to one. A window may be seen shorter than it
# was.
sub too_many {
    my ($rate, @at) = @_;

    my $more = $way + ($rate > 10 ? 0.1 : 1 / $rate);
    my @faults;

    for my $i (0 .. $#at) {
        for my $k ($i + 1 .. $#at) {
            my $window = $at[$k] - $at[$i];
            my $n = $k - $i + 1;

            push @faults, sprintf '%d in %.3f s', $n, $window
                if $n > ($window + $more) * $rate;
        }
    }

    return @faults > 5 ? @faults[0 .. 4] : @faults;
}

my $time = time;
is post('five', 16), 16, 'sixteen events, at once, for 5r/s';
is post('minute', 4), 4, 'four for 60r/m';
is post('off', 60), 60, 'sixty without a rate';
is post('slow', 2), 2, 'two for one a minute';

ok $store->wait_until(endpoint => 'off', succeeded => 60,
                      seconds => $patience), 'those without a rate';
my $pending = $store->counts('five')->{pending};

SKIP: {
    skip 'the others may be over', 1 if time - $time > 2.5;
    ok $pending > 0, '... do not wait for the others';
}

ok $store->wait_until(endpoint => 'five', succeeded => 16,
                      seconds => 3.2 + $patience), '5r/s: none is dropped';

my @at = sent_at('five');

is scalar(@at), 16, '... none comes twice';
is_deeply [too_many(5, @at)], [], '... and never come more than allowed';
cmp_ok $at[-1] - $at[0], '>=', 3 - $way, '... in all either';
cmp_ok $at[-1] - $at[0], '<', 3.1 + 3 * $Jamhook::Env::PATIENCE,
       '... nor many less';

ok $store->wait_until(endpoint => 'minute', succeeded => 4,
                      seconds => 4 + $patience), '60r/m: none is dropped';
@at = sent_at('minute');
is_deeply [too_many(1, @at)], [], '... and it means one a second';

is_deeply $store->counts('slow'), { pending => 1, sending => 0, succeeded => 1,
                                    failed => 0 },
          'one a minute: the second waits';
is $store->value("select max(attempts) from show_deliveries where"
                 . " endpoint = 'slow' and state = 'pending'"), 0,
   '... and that is no attempt';

is post('fifty', 100), 100, 'a hundred events for 50r/s';
ok $store->wait_until(endpoint => 'fifty', succeeded => 100,
                      seconds => 2 + $patience), '... none is dropped';
@at = sent_at('fifty');
is_deeply [too_many(50, @at)], [], '... and never come more than allowed';
cmp_ok $at[-1] - $at[0], '>=', 1.88 - $way, '... in all either';

# attempts count, not events

$target->set('/tries 500 | 500 | 500 | 500 | 200');
is post('tries', 1), 1, 'an event that is tried five times';
ok $store->wait_until(endpoint => 'tries', succeeded => 1,
                      seconds => $patience), '... succeeds';
@at = sent_at('tries');
is scalar(@at), 5, '... at the fifth';
is_deeply [too_many(10, @at)], [], '... and its tries keep to the rate';
@at = begun('tries');
cmp_ok $at[-1] - $at[0], '>=', 0.4 - 0.08 * $Jamhook::Env::PATIENCE,
       '... however short the ladder';

# a reload does not start it anew

$target->set('200');
my $before = sent_at('five');
is post('five', 6), 6, 'six events for 5r/s';
ok $nginx->reload, '... and a reload';
is post('five', 6), 6, '... and six more';
ok $store->wait_until(endpoint => 'five', succeeded => 28,
                      seconds => 3 + $patience), '... none is dropped';
@at = sent_at('five');
is scalar(@at), $before + 12, '... none comes twice';
is_deeply [too_many(5, @at)], [], '... and never come more than allowed';

$nginx->ends_well;
done_testing;

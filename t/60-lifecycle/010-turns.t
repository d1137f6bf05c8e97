# Whose turn it is: jamhook_max_active, and a quarter of worker_connections
# for all endpoints together.

use lib 't/lib';
use Test::More;
use Time::HiRes qw(time);
use Jamhook::Nginx;

my $target = Jamhook::Target->new;

sub endpoint {
    my ($name, $more) = @_;
    return "location = /$name { jamhook_pass $name; jamhook_verify off; }\n"
           . "location /e/$name { jamhook_endpoint $name; jamhook_sign off;"
           . " $more proxy_pass http://127.0.0.1:%{target}/$name; }\n";
}

my $nginx = Jamhook::Nginx->new(target => $target->port, connections => 64,
    server => endpoint('two', 'jamhook_max_active 2;')
              . endpoint('slow', 'jamhook_max_active 3;')
              . endpoint('fast', '')
              . endpoint('all', 'jamhook_max_active 1000;')
              . endpoint('more', 'jamhook_max_active 1000;'));

# sends n events, and returns the connections that will get the answers
my $serial = 0;

sub start {
    my ($uri, $n) = @_;

    return map {
        my $s = $nginx->connect;
        my $id = ++$serial;
        print $s Jamhook::event(body => "{\"n\":$id}", uri => $uri,
                                key => 'none');
        $s->flush;
        $s;
    } 1 .. $n;
}

sub statuses { join ' ', map { $nginx->read($_)->{status} } @_ }

# how many requests to a path were at the target at once, told that each took
# that long
sub at_once {
    my ($path, $took) = @_;

    my @at = sort { $a <=> $b } map { $_->{at} }
             grep { $_->{path} =~ $path } $target->requests;
    my $most = 0;

    for my $at (@at) {
        my $n = grep { $_ <= $at && $_ > $at - $took } @at;
        $most = $n if $n > $most;
    }

    return $most;
}

# jamhook_max_active

$target->set('delay=200ms');
my @clients = start('/two', 6);

is statuses(@clients), '200 200 200 200 200 200', 'all arrive';
is at_once(qr/two/, 0.19), 2, 'never more than two at once';

my @bodies = map { $_->{body} } $target->requests;
is @bodies, 6, '... each once';
is_deeply [sort @bodies], [sort map { "{\"n\":$_}" } 1 .. 6], 'none lost';

# first come, first served

$target->set('delay=50ms');
my $before = $target->requests;

@clients = map { start('/two', 1) } 1 .. 6;
statuses(@clients);
@bodies = map { $_->{body} } $target->requests;
@bodies = @bodies[$before .. $#bodies];

my @first = sort @bodies[0, 1];
is_deeply \@first, ['{"n":7}', '{"n":8}'], 'who came first is served first';
my @last = sort @bodies[4, 5];
is_deeply \@last, ['{"n":11}', '{"n":12}'], 'who came last, last';

# one endpoint does not block another

$target->set("/slow hang\n/fast 200");
@clients = start('/slow', 6);
$target->wait($before + 6 + 3);

my $time = time;
is statuses(start('/fast', 3)), '200 200 200', 'an endpoint beside a slow one';
cmp_ok time - $time, '<', 5, '... does not wait for it';
is scalar(grep { $_->{path} eq '/slow' } $target->requests), 3,
   'the slow one has what it may have';
close $_ for @clients;

$nginx->signal('TERM');
$nginx->wait_for(sub { !Jamhook::Env::is_running($nginx->pid) });
$nginx->start;

# a quarter of 64 connections, for two endpoints together: 16; the first has to
# be there still when the last of them comes

$target->set('delay=2s');
@clients = (start('/all', 12), start('/more', 12));

is statuses(@clients), join(' ', (200) x 24), 'above the quarter all arrive';
my $most = at_once(qr/all|more/, 1.99);
is $most, 16, 'never more than a quarter at once';

# an endpoint's line that cannot go on does not stop the others' lines

$target->set("/all delay=400ms\n/more 200");
$before = $target->requests;
@clients = start('/all', 18);
$target->wait($before + 16);
is statuses(start('/more', 2)), '200 200', 'a turn comes for the others';
is statuses(@clients), join(' ', (200) x 18), 'and all of the first arrive';

# a failure gives its turn on as well

$target->set('/two 500 | close | 200');
is join(' ', sort split / /, statuses(start('/two', 4))), '200 200 502 502',
   'failures give their turns on';

# so does a client that left

$target->set('/two delay=200ms');
$before = $target->requests;
@clients = start('/two', 5);
$target->wait($before + 2);
close $_ for @clients;
is $target->wait($before + 5) - $before, 5, 'who left is delivered too';

$nginx->ends_well;
done_testing;

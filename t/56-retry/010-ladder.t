# The ladder: what is tried again, when, and until when.
#
# stores: sqlite pgsql

use lib 't/lib';
use Test::More;
use Jamhook::Nginx;

my $target = Jamhook::Target->new;

my @endpoints;

# Each kind of failure has an endpoint of its own: name => [rules of its
# location, what the target is told, error, status, how the log names it].
my %kinds = (
    refused => ['proxy_pass http://127.0.0.1:%{refused};', undef,
                'connect', undef, 'connect'],
    resolve => ['resolver 127.0.0.1:1 valid=1s; resolver_timeout 100ms;'
                . ' set $h no.invalid; proxy_pass http://$h/;', undef,
                'resolve', undef, 'resolve'],
    garbage => ['', 'garbage', 'invalid', undef, 'invalid'],
    close => ['', 'close', 'invalid', undef, 'invalid'],
    reset => ['', 'reset', undef, undef, '(?:connect|invalid)'],
    timeout => ['jamhook_timeout 100ms;', 'hang', 'timeout', undef, 'timeout'],
    redirect => ['', '302 "Location: /elsewhere"', undef, 302,
                 'target answered 302'],
    unchanged => ['', '304', undef, 304, 'target answered 304'],
    bad => ['', '400', undef, 400, 'target answered 400'],
    unknown => ['', '404', undef, 404, 'target answered 404'],
    many => ['', '429', undef, 429, 'target answered 429'],
    broken => ['', '500', undef, 500, 'target answered 500'],
    busy => ['', '503', undef, 503, 'target answered 503'],
    nginx => ['return 200 "fine";', undef, 'answered by nginx', 200,
              'answered by nginx with 200'],
    page => ['proxy_intercept_errors on; error_page 500 = /a-page;', '500',
             undef, 500, 'target answered 500'],
);

sub location {
    my ($name, $rules) = @_;

    push @endpoints, $name;

    $rules .= " proxy_pass http://127.0.0.1:%{target}/$name;"
        unless $rules =~ /proxy_pass/;

    return "location = /in-$name { jamhook_pass $name;"
           . " jamhook_verify keys/P1.key; }\n"
           . "location = /$name { jamhook_endpoint $name; jamhook_sign off;"
           . " $rules }\n";
}

my $nginx = Jamhook::Nginx->new(target => $target->port, store => 1,
    workers => 2, server => join '',
    location('ladder', 'jamhook_retry 200ms 400ms 800ms;'),
    location('off', 'jamhook_retry off;'),
    location('late', 'jamhook_retry 50ms 50ms 50ms 50ms;'),
    location('spread', 'jamhook_retry 500ms;'),
    map({ location($_, "jamhook_retry 30ms 30ms; $kinds{$_}[0]") }
        sort keys %kinds),
    'location = /a-page { return 200 "a page"; }');

my $store = $nginx->store;
my $patience = 10 * $Jamhook::Env::PATIENCE;

sub post {
    my ($name, $id) = @_;

    return $nginx->send(Jamhook::event(id => $id || "msg_$name",
                                       uri => "/in-$name", body => '{"a":1}'))
                 ->{status};
}

sub came {
    my ($name) = @_;

    return grep { $_->{path} eq "/$name" } $target->requests;
}

sub attempts {
    my ($name) = @_;

    return $store->rows('select * from show_attempts where'
                        . " endpoint = '$name' order by seq");
}

sub ended {
    my ($name, %as) = @_;

    return $store->wait_until(endpoint => $name, seconds => 2 * $patience,
                              pending => 0, sending => 0, %as);
}

# times

$target->set('/ladder 500');
is post('ladder'), 200, 'an event for a target that always fails';
ok ended('ladder', failed => 1), '... is given up in the end';

my @at = map { $_->{at} } came('ladder');
my $late = 0;

is scalar(@at), 4, 'each delay of jamhook_retry gives a try';

for my $n (0 .. 2) {
    my $delay = 0.2 * 2 ** $n;
    my $waited = $at[$n + 1] - $at[$n];

    cmp_ok $waited, '>=', 0.8 * $delay - 0.01,
           "try @{[ $n + 2 ]} comes no earlier than 80 % of the delay";
    cmp_ok $waited, '<=', 1.2 * $delay + 3 * $Jamhook::Env::PATIENCE,
           '... and soon after 120 %';
    $late++ if $waited > 1.2 * $delay + 0.6 * $Jamhook::Env::PATIENCE;
}

# the machine may be busy for a moment
cmp_ok $late, '<=', 1, '... as a rule';

is_deeply [map { "$_->{number} $_->{trigger} $_->{result} $_->{status}" }
           attempts('ladder')],
          [map { "$_ scheduled failed 500" } 1 .. 4],
          'all attempts are recorded in order';

$nginx->wait_log(qr/\[error\].*msg_ladder/);
my @warned = grep { /msg_ladder/ && /\[warn\]/ } $nginx->log;
my @errors = grep { /msg_ladder/ && /\[error\]/ } $nginx->log;

is scalar(@warned), 4, 'each try that fails is a warning';
like $_, qr/jamhook delivery failed: target answered 500, endpoint: "ladder"/,
     '... that names the endpoint'
    for @warned;
is scalar(@errors), 1, 'giving up is one error';
like $errors[0], qr/jamhook delivery given up after attempt 4, /,
     '... that says when';
like $errors[0], qr/endpoint: "ladder", event: "msg_ladder"/, '... and what';

# jitter

$target->set('/spread 500 body=x');
is post('spread', "msg_spread_$_"), 200, 'an event' for 1 .. 12;
ok ended('spread', failed => 12), 'twelve deliveries with one delay';

my %first;
my @waits;

for my $request (came('spread')) {
    my $key = Jamhook::Target::header($request, 'Idempotency-Key');
    push @waits, $request->{at} - $first{$key} if $first{$key};
    $first{$key} ||= $request->{at};
}

@waits = sort { $a <=> $b } @waits;

is scalar(@waits), 12, 'each is tried twice';
cmp_ok $waits[0], '>=', 0.39, 'none sooner than 80 % of it';
cmp_ok $waits[-1] - $waits[0], '>', 0.02, 'they do not wait equally long';

# off

$target->set('/off 500');
is post('off'), 200, 'jamhook_retry off';
ok ended('off', failed => 1), '... gives up';
is scalar(my @off = attempts('off')), 1, '... after the first attempt';
ok $nginx->wait_log(qr/\[error\].*given up after attempt 1, endpoint: "off"/),
   '... with an error';

# success in the end

$target->set('/late 500 | close | 404 | 200');
is post('late'), 200, 'a target that takes it at the fourth try';
ok ended('late', succeeded => 1), '... has it in the end';
is_deeply [map { "$_->{number} $_->{result}" } attempts('late')],
          ['1 failed', '2 failed', '3 failed', '4 succeeded'],
          '... and nothing follows';
is scalar(my @late = came('late')), 4, '... at the target either';
is $nginx->logged(qr/given up.*endpoint: "late"/), 0, 'nothing was given up';
ok $nginx->wait_log(qr/\[info\].*jamhook delivered.*endpoint: "late"/),
   'the success is told at "info"';

# what counts as a failure

$target->set(join "\n", map { "/$_ $kinds{$_}[1]" }
                        grep { defined $kinds{$_}[1] } sort keys %kinds);
is post($_), 200, "an event for $_" for sort keys %kinds;

for my $name (sort keys %kinds) {
    my (undef, undef, $error, $status, $log) = @{ $kinds{$name} };

    ok ended($name, failed => 1), "$name: tried again until it is given up";

    my @got = attempts($name);

    is join(' ', map { "$_->{number} $_->{result}" } @got),
       '1 failed 2 failed 3 failed', '... three attempts, all failures';
    is_deeply [map { $_->{error} } @got], [($error) x 3],
              '... with the error they had' unless $name eq 'reset';
    is_deeply [map { $_->{status} } @got], [($status) x 3],
              '... and status';

    $nginx->wait_log(qr/given up after .*event: "msg_$name"/);
    my @log = grep { /event: "msg_$name"/ } $nginx->log;

    is scalar(grep { /\[warn\].*delivery failed: $log\b/ } @log), 3,
       '... a warning each' or diag join "\n", @log;
    is scalar(grep { /\[error\].*given up after attempt 3, / } @log), 1,
       '... and one error';
}

is scalar(my @elsewhere = came('elsewhere')), 0, 'no redirect is followed';

$nginx->ends_well;
done_testing;

#!/usr/bin/env perl
# alloc.pl: memory that runs out at each allocation in turn of what a worker
# does, of nginx's and of the libraries'. The n-th one since the request was sent
# fails, alone, with the two behind it, or with all until the sender has its
# answer; and then all must be well again. Test::More's lines, and a table
# between them.
#
#   EVERY=1       each n-th of them; "5 11": of a scenario without a store and
#                 of one with
#   SCENARIO=...  only those whose names match
#   SHOW=1        each failure: how it was answered, and where it was
#
# With JAMHOOK_UNDER=palloc each allocation out of a pool is a malloc() of its
# own, and the sanitizers look on. After each failure: the worker lives, the
# sender has an answer or a closed connection, and what comes next gets through
# by the one turn that each endpoint has (jamhook_max_active 1). In the end: all
# that was answered 200 has arrived, nothing is under way any more, and the
# worker has as many descriptors as before. A failure that leaves the worker with
# more blocks of memory than before is made again: it may not do so each time.

use strict;
use warnings;
no warnings 'portable';    # addresses have 64 bits

use Cwd ();
use File::Basename ();
use lib map { ("$_/lib", "$_/65-portal", "$_/66-metrics") }
        File::Basename::dirname(File::Basename::dirname(
            Cwd::abs_path(__FILE__)));

use Test::More;
use Time::HiRes qw(time sleep);

use Jamhook::Nginx;
use Jamhook::Store;
use Metrics;
use Portal;

my $patience = $Jamhook::Env::PATIENCE;
my @every = split ' ', $ENV{EVERY} || 1;
my $pgsql = $Jamhook::Store::PGSQL;
my $serial = 100_000;

my $EVENT = '{"id":"evt_1","type":"intercom.recorder.recorded","created_at":'
    . '"2025-09-09T12:00:00Z","data":{"conversationId":"ID",'
    . '"jamId":"9573a43b-3ec9-49ab-b7e4-bf6cfc4bdfc","recording_url":'
    . '"https://jam.dev/r/rec_12345"}}';

my $SERVER = q{
        jamhook_timeout 2s;
        jamhook_max_active 1;

        location = /jam { jamhook_pass fin audit;
                          jamhook_verify keys/P1.key; }
        location /fin { jamhook_endpoint fin; jamhook_connector intercom_fin;
                        jamhook_sign off;
                        proxy_pass http://127.0.0.1:%{target}/fin; }
        location = /audit { jamhook_endpoint audit; jamhook_sign keys/S1.key;
                            proxy_pass http://127.0.0.1:%{target}/audit; }
        location = /metrics { jamhook_metrics; }
};

my $STORED = 'jamhook_retry' . ' 200ms' x 30 . '; location /jamhook/ {'
    . ' jamhook_portal; }';

# what nginx and we log when there is no memory; all else that is as bad fails
my @EXPECTED = (
    '~ \[emerg\] .*(?:malloc|memalign)\(.*\) failed \(12:',
    '~ \[(?:crit|alert)\] .*(?:out of memory|Cannot allocate memory)',
);


# One nginx with its target, and what is known of them.

sub scenario {
    my ($name, %opt) = @_;

    my $target = Jamhook::Target->new('200');
    my $nginx = Jamhook::Nginx->new(target => $target->port, faults => 1,
        memory => 1, store => $opt{store}, connections => 64,
        server => $SERVER . ($opt{store} ? $STORED : ''),
        pg => { faults => 0 });

    return { %opt, name => $name, target => $target, nginx => $nginx,
             worker => ($nginx->workers)[0], quiet => $opt{quiet} || 0.06,
             every => $every[$opt{store} ? -1 : 0], acked => {}, wrong => [],
             rounds => 0, answers => {}, slowest => 0, shown => [] };
}


sub alloc {
    my ($self, $how) = @_;

    $self->{nginx}->faults->set(alloc => "$how pid=$self->{worker}");
}


sub seen { $_[0]{nginx}->faults->seen('alloc') }
sub failed { $_[0]{nginx}->faults->failed('alloc') }


# Until the worker has not allocated anything for a while; how often it did.
sub settle {
    my ($self, $until_failed) = @_;

    my ($seen, $since, $end) = (-1, time, time + 5 * $patience);

    while (time < $end && time - $since < $self->{quiet}) {
        last if $until_failed && failed($self);

        my $now = seen($self);
        ($seen, $since) = ($now, time) if $now != $seen;
        sleep 0.005;
    }

    return $seen;
}


sub wrong {
    my ($self, $what, $where) = @_;

    push @{ $self->{wrong} }, [$what, @$where];
}


# how often what came to the target, by path and id
sub arrived {
    my ($self) = @_;

    my @requests = $self->{target}->requests;

    for my $request (@requests[($self->{known} || 0) .. $#requests]) {
        # Fin gets no event's id, but a conversation's
        my ($id) = $request->{path} =~ m{^/fin/(.*)};

        $self->{arrived}{defined $id ? "/fin $id" : '/audit '
            . (Jamhook::Target::header($request, 'webhook-id') || '-')}++;
    }

    $self->{known} = @requests;

    return $self->{arrived};
}


sub missing {
    my ($self, @ids) = @_;

    my $arrived = arrived($self);

    return grep { !$arrived->{$_} }
           map { ("/fin $_", "/audit $_") } @ids;
}


# A request and its answer, with "late" where there was neither one nor the end
# of the connection.
sub ask {
    my ($self, $bytes) = @_;

    my $start = time;
    my $answer = $self->{nginx}->send($bytes, 8 * $patience);

    $answer->{late} = time - $start > 7.5 * $patience;

    # cut short is as good as closed
    $answer->{status} = 0
        if defined $answer->{headers}{'content-length'}
           && length $answer->{body} < $answer->{headers}{'content-length'};

    $answer->{json} = eval { $Portal::JSON->decode($answer->{body}) };

    return $answer;
}


sub event {
    my ($self, $id) = @_;

    return ask($self, Jamhook::event(body => $EVENT =~ s/ID/$id/r, id => $id));
}


# After a failure: what comes next gets through, and where something else was
# asked for, that instead.
sub next_one {
    my ($self, $do) = @_;

    if ($do) {
        my ($answer, @wrong);

        Jamhook::Env::wait_for(sub {
            ($answer, @wrong) = $do->();
            $answer->{status} == 200;
        });

        return "then it got $answer->{status} $answer->{body}"
            if $answer->{status} != 200;
        return @wrong;
    }

    my $start = time;
    my $tries = 0;
    my ($id, $answer);

    # a store that had no memory is tried again each second
    Jamhook::Env::wait_for(sub {
        $id = ++$serial;
        $answer = event($self, $id);
        $tries++;
        $answer->{status} == 200 || !$self->{store};
    });

    return "then an event got $answer->{status} $answer->{body}"
        if $answer->{status} != 200;

    my $came = Jamhook::Env::wait_for(sub { !missing($self, $id) });

    $self->{acked}{$id} = 1;
    $self->{slowest} = time - $start if time - $start > $self->{slowest};

    return $came ? () : "then an event did not arrive: "
                        . join ', ', missing($self, $id);
}


# One failure or several, in what a sub does; it says what is wrong with its
# answer.
sub round {
    my ($self, $n, $times, $do) = @_;

    my $skip = $n - 1;
    my $all = $times eq 'all';

    alloc($self, "ENOMEM skip=$skip" . ($all ? '' : " times=$times"));

    my ($answer, @wrong) = $do->();

    settle($self, 'until failed');
    sleep 0.05 if $all;

    my $failed = failed($self);
    my @where = $self->{nginx}->faults->where;

    alloc($self, '');

    $self->{answers}{$answer->{status}}++;
    $self->{rounds}++ if $failed;

    push @wrong, 'it had no answer' if $answer->{late};
    push @wrong, "it got $answer->{status} $answer->{body}"
        if $answer->{status} !~ /^(?:0|200|50[0234])$/
           && !($self->{ask} && $answer->{status} == 409);

    # a worker that died; a sanitizer lets it end as if all were well
    my @log = $self->{nginx}->log;
    my @died = grep { /worker process \d+ exited / }
               @log[($self->{read} || 0) .. $#log];

    $self->{read} = @log;

    if (@died) {
        push @wrong, 'the worker died';
        Jamhook::Env::wait_for(sub {
            my ($now) = $self->{nginx}->workers;
            $now && $now != $self->{worker} && ($self->{worker} = $now);
        }) or BAIL_OUT('no worker');
        start($self);
    }

    push @wrong, next_one($self, $self->{ask} ? $do : ());
    settle($self);

    wrong($self, "$n, $times: $_", $failed ? \@where : []) for @wrong;

    push @{ $self->{shown} }, ["$n, $times: $answer->{status}", @where]
        if $ENV{SHOW} && $failed;

    return $failed;
}


# warm
sub start {
    my ($self) = @_;

    alloc($self, '');
    $self->{nginx}->faults->watch($self->{worker});

    for (1 .. 5) {
        my @wrong = next_one($self);
        die "@wrong\n" if @wrong;
        settle($self);
    }
}


# how many the worker has
sub descriptors {
    my ($self) = @_;

    for (1 .. 3) {
        my @wrong = next_one($self);
        push @{ $self->{wrong} }, map { [$_] } @wrong;
    }

    alloc($self, '');
    settle($self);

    my @fds = glob "/proc/$self->{worker}/fd/*";

    return scalar @fds;
}


# A worker that has more blocks than before has something new, like a statement
# that is kept, or it lost some: the same failure loses them each time.
sub grown {
    my ($self, $n, $times, $do, $before) = @_;

    my $faults = $self->{nginx}->faults;

    for (1 .. 6) {
        my $now = $faults->live;

        return if $now <= $before;

        $before = $now;
        round($self, $n, $times, $do);
    }

    wrong($self, "$n, $times: each time more memory is in use", []);
}


# Each allocation of what a sub does.
sub each_one {
    my ($self, $what, $do) = @_;

    my ($most, $offset) = (0, 0);

    for (1 .. 3) {
        alloc($self, '');
        my ($answer, @wrong) = $do->();

        die "$what: $answer->{raw} @wrong\n"
            if $answer->{status} != 200 || @wrong;

        my $n = settle($self);
        $most = $n if $n > $most;
        next_one($self, $self->{ask} ? $do : ());
        settle($self);
    }

    # another way through them for each number of failures; the first one leaves
    # what a session has that was opened anew
    for my $times ('all', 3, 1) {
        $self->{fds} = descriptors($self)
            if $times eq '3' && !defined $self->{fds} && !$self->{ask};

        $offset += 2;

        for (my $n = 1 + $offset % $self->{every}; $n <= $most;
             $n += $self->{every})
        {
            my $before = $self->{nginx}->faults->live;

            round($self, $n, $times, $do);
            grown($self, $n, $times, $do, $before);
        }
    }

    $self->{counted}{$what} = $most;
    note "$self->{name}: $what: $most, wrong: ", scalar @{ $self->{wrong} },
         ", blocks: ", $self->{nginx}->faults->live;
}


# Names for addresses of the worker, which is nginx itself.
sub named {
    my ($self, @where) = @_;

    my ($base, @out) = (0);

    # an address may lie in a library: those of nginx alone get a name
    my $exe = readlink "/proc/$self->{worker}/exe" or return ();
    my (@low, $end);

    for (split /\n/, Jamhook::Env::slurp("/proc/$self->{worker}/maps")) {
        next unless /^(\w+)-(\w+) .* \Q$exe\E$/;
        @low = (hex $1) unless @low;
        $end = hex $2;
    }

    return () unless @low;

    my @ours = grep { $_ >= $low[0] && $_ < $end } @where or return ();
    my $list = join ' ', map { sprintf '%x', $_ - $low[0] } @ours;
    my @lines = split /\n/, `addr2line -f -e $exe $list 2>/dev/null`;

    return grep { defined } map { $lines[$_ * 2] } 0 .. $#ours;
}


sub finish {
    my ($self) = @_;

    my ($nginx, $name) = @$self{qw(nginx name)};

    alloc($self, '');

    ok $nginx->store->idle(60), "$name: no delivery is left" if $self->{store};

    is_deeply [missing($self, sort keys %{ $self->{acked} })], [],
              "$name: all that was answered 200 has arrived";

    cmp_ok descriptors($self), '<=', $self->{fds} + 1,
           "$name: no descriptor is left over";

    # a worker's look at the store, once a second, counts too
    my @busy;

    Jamhook::Env::wait_for(sub {
        my $m = Metrics::scrape($nginx);
        @busy = $m->{status} == 200 ? () : 'no metrics';
        push @busy, grep { $m->{values}{$_} && /^jamhook_(?:
                           deliveries_active|store_queue_length)\b/x }
                    keys %{ $m->{values} };
        !@busy;
    }, 3 * $patience);

    is_deeply \@busy, [], "$name: nothing is under way";

    $nginx->faults->clear;

    my %seen;

    for my $wrong (@{ $self->{wrong} }) {
        my ($what, @where) = @$wrong;
        my $stack = join ' < ', named($self, @where);

        diag "$name: $what\n    $stack" if $seen{$stack}++ < 3;
    }

    for my $shown (@{ $self->{shown} }) {
        my ($what, @where) = @$shown;
        diag "$name: $what: ", join ' < ', grep { defined }
             (named($self, @where))[0 .. 9];
    }

    is scalar @{ $self->{wrong} }, 0, "$name: after each failure all is well";
    cmp_ok $self->{rounds}, '>', 0, '... of which there were some';

    diag sprintf '%s: %s; %d failures; answers %s; slowest %.1f s', $name,
         join(', ', map { "$_ $self->{counted}{$_}" }
              sort keys %{ $self->{counted} }), $self->{rounds},
         join(', ', map { "$_: $self->{answers}{$_}" }
              sort keys %{ $self->{answers} }), $self->{slowest};

    $nginx->ends_well(expected => \@EXPECTED, name => "$name: nginx ends well");
}


# An event that is sent, and counts when it is answered 200.
sub sent {
    my ($self) = @_;

    my $id = ++$serial;
    my $answer = event($self, $id);

    $self->{acked}{$id} = 1 if $answer->{status} == 200;

    return $answer;
}


my %RUN = (
    'pass-through' => sub {
        my $self = scenario(@_);

        start($self);
        each_one($self, 'event', sub { sent($self) });
        finish($self);
    },

    durable => sub {
        my $self = scenario(@_, store => 1);

        start($self);
        each_one($self, 'event', sub { sent($self) });
        finish($self);
    },

    retry => sub {
        my $self = scenario(@_, store => 1, quiet => 0.5);

        start($self);

        each_one($self, 'event', sub {
            $self->{target}->set("200\n/audit 503 | 200");
            sent($self);
        });

        finish($self);
    },

    calls => sub {
        my $self = scenario(@_, store => 1, ask => 1);

        start($self);

        my $id = $serial;
        my (%whole, @all);
        my @calls = (
            [GET => 'api/events?limit=3'], [GET => "api/events/$id"],
            [GET => 'api/endpoints'], [GET => 'api/attempts?limit=3'],
            [GET => 'api/stats'], [GET => 'api/status'],
            [GET => ''],
            [POST => "api/events/$id/replay", { endpoint => 'audit' }],
            [POST => 'api/endpoints/audit/pause'],
            [POST => 'api/endpoints/audit/resume'],
            [POST => 'api/endpoints/audit/test'],
        );

        for my $call (@calls, 'metrics') {
            my $name = ref $call ? "$call->[0] $call->[1]" : $call;

            my $do = sub {
                my $answer = ask($self, ref $call ? Portal::request(@$call)
                                 : "GET /metrics HTTP/1.1\r\nHost: x\r\n"
                                   . "Connection: close\r\n\r\n");
                my $form = form($answer);
                my @wrong;

                if ($answer->{status} == 200) {
                    # a test tells of an attempt that had no memory itself
                    push @wrong, "$name: $form, not $whole{$name}"
                        if $form ne ($whole{$name} ||= $form)
                           && !($name =~ /test$/ && $form =~ /\bresult:/);
                }

                return $answer, @wrong;
            };

            push @all, [$name, $do];
        }

        $_->[1]->() for @all, @all;
        round($self, $_, 'all', $all[0][1]) for 60, 120, 180, 240;
        $self->{fds} = descriptors($self);
        each_one($self, @$_) for @all;
        finish($self);
    },
);


# what an answer looks like, whatever the numbers in it
sub form {
    my ($answer) = @_;

    if (defined $answer->{json}) {
        return keys_of($answer->{json});
    }

    return join ' ', length $answer->{body} > 0 ? 'text' : 'nothing',
           $answer->{body} =~ /<\/html>\s*\z/ ? 'html' : '';
}


sub keys_of {
    my ($json) = @_;

    return ref $json eq 'HASH' ? '{' . join(',', map {
                   "$_:" . keys_of($json->{$_}) } sort keys %$json) . '}'
         : ref $json eq 'ARRAY' ? '[' . scalar(@$json) . ']' : '';
}


for my $name ('pass-through', 'durable', 'retry', 'calls') {
    next if $ENV{SCENARIO} && $name !~ /$ENV{SCENARIO}/;
    next if $pgsql && $name eq 'pass-through';

    my $start = time;

    $RUN{$name}->($name);
    diag sprintf '%s: %.0f s', $name, time - $start;
}

done_testing;

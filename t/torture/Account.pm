package Account;

# The accounting of make torture: what the senders were told, what the target
# saw and what the store says, held against each other.
#
#   my $account = Account->new(
#       endpoints => [...],
#       events => $clients->events,     see Clients
#       log => $file,                   see Target
#       rows => sub { ... },            what the store answers a query: a list
#                                       of { column => value }
#       ended => { pid of a worker => [how, when or undef] },
#       strict => 1,                    also who was killed never overlaps
#       refused => qr/.../);            what a sender may be told but 200
#   $account->fault('name', 'what it is about', ...);
#   $account->notes(@more);             the figures, as lines of the test
#   $account->add($other);              the faults and sums of another one
#   $account->checks;                   the test's checks
#   $account->{acked};                  events that were acknowledged
#   $account->{states};                 deliveries: { pending => n, sending,
#                                       succeeded, failed }

use strict;
use warnings;

use Digest::SHA qw(sha1);
use Test::More;

our @RESULTS = qw(succeeded failed interrupted);
our @STATES = qw(pending sending succeeded failed);

# which faults there are, and what it means that there is none
our @CHECKS = (
    ['lost', 'no event that was acknowledged is lost'],
    ['not kept', 'the store has all of them'],
    ['bytes', 'the target got the right bytes at the right place'],
    ['signature', 'each attempt is signed, anew'],
    ['key', 'Idempotency-Key is the same at each try'],
    ['unknown', 'nothing was made up'],
    ['overlap', 'a delivery was never under way twice at once'],
    ['duplicate', 'what came twice has a reason'],
    ['number', 'no attempt has the number of another'],
    ['record', 'each attempt is in the log of attempts'],
    ['succeeded', 'it tells of one success for each delivery'],
    ['invented', '... that the target knows of'],
    ['stuck', 'nothing is stuck'],
    ['gave up', 'nothing was given up'],
    ['refused', 'no sender was refused'],
    ['crit', 'no trouble that nobody made'],
);


sub new {
    my ($class, %opt) = @_;

    my $self = bless { refused => qr/^503 unavailable/, %opt, count => {},
                       faults => {} }, $class;

    $self->attempts;
    $self->seen;
    $self->deliveries($_) for @{ $self->{endpoints} };
    $self->senders;
    $self->states;

    return $self;
}


sub fault {
    my ($self, $name, @line) = @_;

    push @{ $self->{faults}{$name} },
         join ' ', map { defined $_ ? $_ : '-' } @line;
}


sub percentile {
    my ($p, @values) = @_;

    return 0 unless @values;
    @values = sort { $a <=> $b } @values;

    return 1000 * $values[$p * $#values];
}


# RFC 9562, version 5, in the URL namespace
sub key {
    my ($id, $endpoint) = @_;

    my $namespace = pack 'H*', '6ba7b8119dad11d180b400c04fd430c8';
    my @b = unpack 'C16', sha1($namespace . "jamhook:$id/$endpoint");

    $b[6] = $b[6] & 0x0f | 0x50;
    $b[8] = $b[8] & 0x3f | 0x80;

    return join '-', unpack 'a8 a4 a4 a4 a12', unpack 'H32', pack 'C16', @b;
}


# row: endpoint => id => number => record
sub attempts {
    my ($self) = @_;

    my @rows = $self->{rows}->(
        'select e.id, p.name as endpoint, a.number, a.result, a.error'
        . ' from attempts a join events e on e.seq = a.event'
        . ' join endpoints p on p.id = a.endpoint order by a.seq');

    for my $row (@rows) {
        $row->{result} = $RESULTS[$row->{result}];
        $self->{count}{$row->{endpoint}}{"attempts $row->{result}"}++;

        my $numbers = $self->{row}{$row->{endpoint}}{$row->{id}} ||= {};

        # two records: of whoever found its lease over, and then of its end
        $row->{lease_over} = 1 if $numbers->{$row->{number}};
        $numbers->{$row->{number}} = $row;

        $self->{succeeded}{$row->{endpoint}}{$row->{id}}++
            if $row->{result} eq 'succeeded' && !$row->{lease_over};
    }
}


# what the target saw: endpoint => id => [requests]
sub seen {
    my ($self) = @_;

    open my $log, '<', $self->{log} or die "$self->{log}: $!";

    while (<$log>) {
        chomp;

        my %r;
        @r{qw(path id attempt worker key sign digest from to way how)} =
            split /\t/;

        my ($endpoint) = $r{path} =~ m{^/(\w+)};
        my $e = $self->{events}{$r{id}};

        $self->{count}{$endpoint}{requests}++;

        if (!$e) {
            $self->fault('unknown', $_);
            next;
        }

        push @{ $self->{seen}{$endpoint}{$r{id}} }, \%r;

        next if $r{digest} eq '-';

        my $path = $endpoint eq 'fin' ? "/fin/$e->{conversation}" : '/all';

        $self->fault('bytes', $_)
            if $r{digest} ne $e->{$endpoint} || $r{path} ne $path;
        $self->fault('signature', $_) if $r{sign} ne 'ok';
        $self->fault('key', $_) if $r{key} ne key($r{id}, $endpoint);
    }
}


# why there was one more after a request that was answered 2xx
sub reason {
    my ($self, $endpoint, $r) = @_;

    my $row = $self->{row}{$endpoint}{$r->{id}}{$r->{attempt}};
    my ($how, $when) = @{ $self->{ended}{$r->{worker}} || [] };

    # it died before the outcome was on disk: soon, or while there was none
    return "worker $how" if $how && (!$row || $row->{result} eq 'interrupted')
                            && (!defined $when || ($when > $r->{from} - 0.05
                                && ($self->{strict} || $when < $r->{to} + 3)));
    return 'unexplained' unless $row;
    return 'lease over' if $row->{lease_over};
    return 'late answer' if ($row->{error} || '') eq 'timeout';
    return 'interrupted' if $row->{result} eq 'interrupted';
    return 'unexplained';
}


sub deliveries {
    my ($self, $endpoint) = @_;

    my $c = $self->{count}{$endpoint} ||= {};

    for my $id (sort keys %{ $self->{events} }) {
        my $e = $self->{events}{$id};
        my @all = sort { $a->{from} <=> $b->{from} }
                  @{ $self->{seen}{$endpoint}{$id} || [] };
        my @good = grep { $_->{how} =~ /^2/ } @all;
        my $rows = $self->{row}{$endpoint}{$id} || {};
        my %numbers;

        $self->fault('number', $endpoint, $id, $_->{attempt})
            for grep { $numbers{$_->{attempt}}++ } @all;

        if (@good) {
            $c->{delivered}++;
            push @{ $c->{took} }, $good[0]{to} - $e->{acked}
                if defined $e->{acked} && $e->{acked} < $good[0]{to};

        } elsif (defined $e->{acked}) {
            $self->fault('lost', $endpoint, $id, "acknowledged at $e->{acked}");
        }

        for my $r (@good[0 .. $#good - 1]) {
            my $reason = $self->reason($endpoint, $r);

            $c->{duplicates}++;
            $c->{"duplicates: $reason"}++;
            $self->fault('duplicate', $endpoint,
                         map { "$_=$r->{$_}" } sort keys %$r)
                if $reason eq 'unexplained';
        }

        $self->overlaps($endpoint, $id, @all);

        for my $r (@all) {
            $self->fault('record', $endpoint,
                         map { "$_=$r->{$_}" } sort keys %$r)
                unless $rows->{$r->{attempt}};
        }

        my $succeeded = $self->{succeeded}{$endpoint}{$id} || 0;

        $self->fault('succeeded', $endpoint, $id, $succeeded, 'times')
            if $succeeded > 1 || (!$succeeded && @good && defined $e->{acked});

        for my $n (keys %$rows) {
            next if $rows->{$n}{result} ne 'succeeded';
            $self->fault('invented', $endpoint, $id, $n)
                unless grep { $_->{attempt} == $n } @good;
        }
    }
}


sub overlaps {
    my ($self, $endpoint, $id, @all) = @_;

    for my $i (1 .. $#all) {
        my ($one, $two) = @all[$i - 1, $i];
        my $common = $one->{to} - $two->{from};

        next if $common <= 0;

        # a process that is killed lets go of one thing after the other
        if ($self->{ended}{$one->{worker}} && $common < 0.5
            && !$self->{strict})
        {
            $self->{count}{$endpoint}{'overlap: killed'}++;
            next;
        }

        $self->fault('overlap', $endpoint, $id, sprintf('%.6f s', $common),
                     map { "[$_->{attempt} $_->{worker} $_->{from} $_->{to}"
                           . " $_->{how}]" } $one, $two);
    }
}


sub senders {
    my ($self) = @_;

    my %kept = map { $_->{id} => 1 }
               $self->{rows}->('select id from events');

    $self->{$_} = 0 for qw(sent acked tries);

    for my $e (values %{ $self->{events} }) {
        $self->{sent}++;
        $self->{tries} += $e->{tries};
        $self->{answers}{$_} += $e->{answers}{$_} for keys %{ $e->{answers} };
        push @{ $self->{took} }, @{ $e->{took} };

        next unless defined $e->{acked};

        $self->{acked}++;
        $self->fault('not kept', $e->{id}) unless $kept{$e->{id}};
    }

    my $answers = $self->{answers};

    $self->fault('refused', "$_: $answers->{$_}")
        for grep { /^[345]/ && $_ !~ $self->{refused} } sort keys %$answers;
}


# deliveries by state, after all
sub states {
    my ($self) = @_;

    my $states = $self->{states} = { map { $_ => 0 } @STATES };

    $states->{$STATES[$_->{state}]} = $_->{n}
        for $self->{rows}->('select state, count(*) as n from deliveries'
                            . ' group by state');

    $self->fault('gave up', "$states->{failed} deliveries")
        if $states->{failed};
    $self->fault('stuck', map { "$_: $states->{$_}" } qw(pending sending))
        if $states->{pending} || $states->{sending};
}


sub add {
    my ($self, $other) = @_;

    push @{ $self->{faults}{$_} }, @{ $other->{faults}{$_} }
        for keys %{ $other->{faults} };
    $self->{answers}{$_} += $other->{answers}{$_}
        for keys %{ $other->{answers} };
    $self->{$_} += $other->{$_} for qw(sent acked tries);
}


sub notes {
    my ($self, @more) = @_;

    my ($answers, $count) = @$self{qw(answers count)};
    my @endpoints = @{ $self->{endpoints} };
    my $columns = '%-31s' . ' %9s' x @endpoints;

    note '';
    note "$self->{sent} events sent in $self->{tries} tries, $self->{acked}"
         . ' acknowledged';
    note 'answers: ' . join ', ', map { "$_: $answers->{$_}" }
         sort { $answers->{$b} <=> $answers->{$a} } keys %$answers;
    note 'acknowledged after: ' . join ', ', map {
        sprintf "p%d %.1f ms", 100 * $_, percentile($_, @{ $self->{took} })
    } 0.5, 0.99, 1;
    note $_ for @more;
    note '';
    note sprintf $columns, 'to', @endpoints;

    my %names = map { map { $_ => 1 } grep { !/^took/ } keys %$_ }
                values %$count;

    for my $name (sort keys %names) {
        note sprintf $columns, $name,
                     map { $count->{$_}{$name} || 0 } @endpoints;
    }

    for my $p (0.5, 0.99, 1) {
        note sprintf $columns, '2xx after it was kept, ms, p' . 100 * $p, map {
            sprintf '%.0f', percentile($p, @{ $count->{$_}{took} || [] })
        } @endpoints;
    }

    note '';
    note join ', ', map { sprintf '%s %d', $_->[0],
                          scalar @{ $self->{faults}{$_->[1]} || [] } }
         ['lost', 'lost'], ['wrong bytes', 'bytes'],
         ['under way twice at once', 'overlap'],
         ['duplicates without a reason', 'duplicate'], ['stuck', 'stuck'],
         ['given up', 'gave up'];
    note '';
}


sub checks {
    my ($self) = @_;

    for (@CHECKS) {
        my ($name, $title) = @$_;
        my @lines = @{ $self->{faults}{$name} || [] };

        ok !@lines, $title or diag scalar(@lines) . ":\n", map { "  $_\n" }
                              @lines > 10 ? @lines[0 .. 9] : @lines;
    }
}


1;

package Jamhook::Store;

# A store of a test, and what is in its database: a directory for SQLite, or,
# with JAMHOOK_TEST_STORE=pgsql, a database of a PostgreSQL server (see
# Jamhook::Pg), which is dropped at the end. Files that say so,
#
#   # stores: sqlite pgsql
#
# are run with both by t/tools/test.sh.
#
# With an nginx of its own:
#
#   my $nginx = Jamhook::Nginx->new(store => 1, ...);     or 'max_size=10m'
#   my $store = $nginx->store;
#
# In blocks, after "use Jamhook::Store;", a section
#
#   --- store                           with parameters, or nothing, in it
#
# adds the line jamhook_store, and Jamhook::Store->of_block is that store.
#
#   $store->wait_until(succeeded => 2, pending => 0)      polls; true or false
#   $store->counts                     deliveries by state: { pending => 1, ...}
#   $store->rows('select ...')         hashes
#   $store->row(...), $store->value(...)                  the first of them
#   $store->change('update ...')       writes
#   $store->body($id)                  the bytes of an event
#   $store->place                      for "jamhook -s"
#   $store->text                       all that stands in it, to look for a word
#   $store->idle                       waits until none is pending or sending
#   $store->check                      "ok", or what is wrong with it
#   $store->users                      how many workers have it open
#   $store->takeover($seconds)         how long it takes till a delivery of a
#                                      worker that died is gone on with, for a
#                                      jamhook_timeout of so many seconds
#   $store->pgsql                      1, or 0; so is $Jamhook::Store::PGSQL
#   $store->server                     its Jamhook::Pg
#
# What is there is the state of the last commit. The SQL is the same for both:
# where PostgreSQL does not have SQLite's hex(), typeof(), group_concat() or our
# views for operators, it gets them, for the tests alone. Values are quoted with
# Jamhook::Store::quote(). SQLite's database is read by its shell, read-only, in
# one short process each time.

use strict;
use warnings;

use File::Path qw(make_path remove_tree);
use JSON::PP ();
use POSIX ();
use Time::HiRes qw(time sleep);

use Jamhook::Env;

our @STATES = qw(pending sending succeeded failed);
our @RESULTS = qw(succeeded failed interrupted);

our $PGSQL = $Jamhook::Env::STORE eq 'pgsql' ? 1 : 0;

my $json = JSON::PP->new->utf8->boolean_values(0, 1);


# The directory, made so that the workers can write: nginx of the tests has the
# user who runs them ("user root" where that is root), another one is given. A
# database of PostgreSQL's is on the server that is given, or on that of all.
sub new {
    my ($class, $dir, %opt) = @_;

    return Jamhook::Store::Pgsql->create(%opt)
        if $PGSQL && $class eq __PACKAGE__;

    my $self = bless { dir => $dir, params => $opt{params} || '' }, $class;

    make_path($dir, { mode => 0700 });

    if (defined $opt{user}) {
        my ($uid, $gid) = (getpwnam $opt{user})[2, 3];
        die "no user $opt{user}" unless defined $uid;
        chown $uid, $gid, $dir or die "$dir: $!";
    }

    return $self;
}


sub pgsql { 0 }
sub server { undef }
sub dir { $_[0]{dir} }
sub file { "$_[0]{dir}/jamhook.db" }


# the line of nginx.conf
sub line {
    my ($self) = @_;

    return "jamhook_store sqlite:$self->{dir}"
           . (length $self->{params} ? " $self->{params}" : '') . ';';
}


# lock files of workers
sub locks { return glob "$_[0]{dir}/worker.*" }
sub users { return scalar(() = $_[0]->locks) }


# at once, with the next poll
sub takeover { return 1 }


sub quote {
    my ($value) = @_;

    return 'NULL' unless defined $value;
    return $value if $value =~ /\A-?\d+\z/;
    return "'" . $value =~ s/'/''/gr . "'";
}


# Runs the shell, with SQL or a list of SQL and its own commands: (status, what
# it said). "write" in the options lets it write.
sub shell {
    my ($self, $sql, %opt) = @_;

    my @command = ('sqlite3', '-batch', '-bail',
                   ($opt{write} ? () : '-readonly'),
                   ($opt{json} ? '-json' : ()),
                   '-cmd', '.timeout ' . 5000 * $Jamhook::Env::PATIENCE,
                   $self->file, ref $sql ? @$sql : $sql);

    my $pid = open my $out, '-|';
    die "fork: $!" unless defined $pid;

    if ($pid == 0) {
        # none of what nginx runs under
        delete @ENV{qw(LD_PRELOAD JAMHOOK_FAULTS)};
        open STDERR, '>&', \*STDOUT;
        exec @command or warn "sqlite3: $!";
        POSIX::_exit(127);
    }

    local $/;
    my $said = <$out>;
    close $out;

    return ($?, defined $said ? $said =~ s/\n\z//r : '');
}


sub rows {
    my ($self, $sql) = @_;

    my ($status, $said) = $self->shell($sql, json => 1);

    die "sqlite3: $said\n$sql\n" if $status;

    return length $said ? @{ $json->decode($said) } : ();
}


sub change {
    my ($self, $sql) = @_;

    my ($status, $said) = $self->shell($sql, write => 1);

    die "sqlite3: $said\n$sql\n" if $status;
}


# quick where it is large
sub body {
    my ($self, $id) = @_;

    my ($status, $hex) = $self->shell('select hex(body) from events where id = '
                                      . quote($id));

    return $status ? undef : pack 'H*', $hex;
}


sub place { $_[0]{dir} }


sub text {
    my ($self) = @_;

    return join '', map { Jamhook::Env::slurp($_) } glob "$self->{dir}/*";
}


# nothing is there yet
sub empty { return !-s $_[0]->file }


sub row {
    my ($self, $sql) = @_;

    return ($self->rows($sql))[0];
}


# the only value of the first row
sub value {
    my ($self, $sql) = @_;

    my ($row) = $self->rows($sql) or return undef;

    return (values %$row)[0];
}


# deliveries by state, of one endpoint where one is named
sub counts {
    my ($self, $endpoint) = @_;

    my $where = defined $endpoint
        ? "where endpoint = (select id from endpoints where name = "
          . quote($endpoint) . ")" : '';
    my %counts = map { $_ => 0 } @STATES;

    # a database that is not there (yet) holds none
    return \%counts if $self->empty;

    my @rows = eval {
        $self->rows("select state, count(*) as n from deliveries $where"
                    . " group by state");
    };

    die $@ if $@ && $@ !~ /no such table|relation ".*" does not exist/;

    $counts{$STATES[$_->{state}]} = $_->{n} for @rows;

    return \%counts;
}


# wait_until(succeeded => 2, pending => 0, endpoint => 'fin', seconds => 5)
sub wait_until {
    my ($self, %want) = @_;

    my ($endpoint, $seconds) = delete @want{qw(endpoint seconds)};
    my $until = time + ($seconds || 10 * $Jamhook::Env::PATIENCE);

    while (1) {
        my $counts = eval { $self->counts($endpoint) } || {};

        return 1 unless grep { !defined $counts->{$_}
                               || $counts->{$_} != $want{$_} } keys %want;
        return 0 if time > $until;
        sleep 0.05;
    }
}


sub idle {
    my ($self, $seconds) = @_;

    return $self->wait_until(pending => 0, sending => 0, seconds => $seconds);
}


# "ok", or what is wrong
sub check {
    my ($self) = @_;

    my ($status, $said) = $self->shell('pragma integrity_check;'
                                       . ' pragma foreign_key_check;');

    return $said;
}


# Of blocks. It lies outside of what Test::Nginx removes before a block, for
# with TEST_NGINX_USE_HUP=1 nginx still uses it then; else each has a new one.

my $of_block;

sub of_block {
    my ($class) = @_;

    return $of_block ||= $class->new(Jamhook::Env::tmp() . '/store');
}


if (defined &Test::Nginx::Util::add_block_preprocessor) {
    Test::Nginx::Util::add_block_preprocessor(sub {
        my ($block) = @_;

        return unless defined $block->store;

        my $params = $block->store =~ s/\s+/ /gr =~ s/^ | $//gr;

        if (!$Jamhook::Env::HUP) {
            undef $of_block;
            remove_tree(Jamhook::Env::tmp() . '/store');
        }

        my $store = __PACKAGE__->of_block;

        $store->{params} = $params;
        $block->set_value('http_config', $store->line . "\n"
                                         . ($block->http_config || ''));
    });
}


package Jamhook::Store::Pgsql;

use Time::HiRes qw(time sleep);

our @ISA = 'Jamhook::Store';

my $serial = 0;

# what the tests' SQL takes for granted
my $HELPERS = q{
    create schema tested;

    create function tested.hex(bytea) returns text immutable language sql
        as 'select upper(encode($1, ''hex''))';
    create function tested.typeof(bytea) returns text immutable language sql
        as 'select case when $1 is null then ''null'' else ''blob'' end';

    create function tested.concat_step(text, anyelement) returns text
        immutable language sql
        as 'select concat_ws('','', $1, $2::text)';
    create aggregate tested.group_concat(anyelement)
        (sfunc = tested.concat_step, stype = text);

    create function tested.shown(bigint) returns text immutable language sql
        as 'select to_char(to_timestamp(nullif($1, 0) / 1000)
                           at time zone ''UTC'', ''YYYY-MM-DD HH24:MI:SS'')';
};

my $VIEWS = q{
    create or replace view tested.show_endpoints as
    select id, name, case paused when 0 then 'active' else 'paused' end
            as state,
        case paused when 0 then null when 1 then 'manual' when 2 then 'gone'
            when 3 then 'failing' else paused::text end as reason,
        tested.shown(paused_at) as paused_at,
        tested.shown(failing_since) as failing_since,
        tested.shown(seen_at) as seen_at
    from jamhook.endpoints;

    create or replace view tested.show_deliveries as
    select d.event, e.id, p.name as endpoint,
        case d.state when 0 then case when p.paused <> 0 then 'paused'
            else 'pending' end when 1 then 'sending' when 2 then 'succeeded'
            when 3 then 'failed' else d.state::text end as state,
        case d.state when 0 then tested.shown(d.next_at) end
            as next_attempt_at,
        d.attempts, d.replay, tested.shown(d.changed_at) as changed_at
    from jamhook.deliveries d left join jamhook.events e on e.seq = d.event
        left join jamhook.endpoints p on p.id = d.endpoint;

    create or replace view tested.show_attempts as
    select a.seq, a.event, e.id, p.name as endpoint, a.number,
        case a.trigger when 0 then 'scheduled' when 1 then 'manual'
            else a.trigger::text end as trigger,
        tested.shown(a.started_at) as started_at, a.duration,
        case a.result when 0 then 'succeeded' when 1 then 'failed'
            when 2 then 'interrupted' else a.result::text end as result,
        nullif(a.status, 0) as status, a.error
    from jamhook.attempts a left join jamhook.events e on e.seq = a.event
        left join jamhook.endpoints p on p.id = a.endpoint;
};

# what may not be there, and how often it is: none of them stands alone, and
# what is summed up is what can be counted
my @SOUND = (
    ['deliveries without an event', 'select count(*) from deliveries where'
     . ' not exists (select from events where seq = event)'],
    ['attempts without an event', 'select count(*) from attempts where'
     . ' not exists (select from events where seq = event)'],
    ['deliveries without an endpoint', 'select count(*) from deliveries where'
     . ' not exists (select from endpoints where id = endpoint)'],
    ['leases of nobody', 'select count(*) from deliveries where'
     . ' (state = 1) <> (lease_owner is not null)'],
    ['endpoints whose successes are not their tally', 'select count(*) from'
     . ' endpoints p where (select count(*) from deliveries where endpoint ='
     . ' p.id and state = 2) <> (select coalesce(sum(succeeded), 0) from'
     . ' tallies where endpoint = p.id)'],
);


sub create {
    my ($class, %opt) = @_;

    require Jamhook::Pg;

    my $self = bless {
        params => $opt{params} || '', owner => $$,
        server => $opt{server} || Jamhook::Pg->shared,
        name => sprintf('jt_%d_%d_%d', $$, time, ++$serial),
    }, $class;

    $self->{server}->createdb($self->{name});
    $self->{server}->do($self->{name}, $HELPERS);
    $self->{server}->do($self->{name}, 'alter role postgres in database'
        . " $self->{name} set search_path = tested, jamhook, public");
    $self->{server}->forget($self->{name});

    return $self;
}


sub pgsql { 1 }
sub server { $_[0]{server} }
sub name { $_[0]{name} }
sub uri { $_[0]{server}->uri($_[0]{name}) }
sub dir { die "a store of PostgreSQL's has no directory\n" }
sub file { die "a store of PostgreSQL's has no file\n" }
sub shell { die "a store of PostgreSQL's has no sqlite3 shell\n" }


sub line {
    my ($self) = @_;

    return 'jamhook_store ' . $self->uri
           . (length $self->{params} ? " $self->{params}" : '') . ';';
}


# when its lease is over, and after the next poll
sub takeover {
    my ($self, $seconds) = @_;

    return 5 + ($seconds || 12) + 2;
}


# the tables' names as they are
sub rows {
    my ($self, $sql) = @_;

    my @rows = eval { $self->{server}->rows($self->{name}, $sql) };

    # the views, now that there are tables
    if ($@ =~ /relation "show_\w+" does not exist/) {
        $self->change($VIEWS);
        @rows = eval { $self->{server}->rows($self->{name}, $sql) };
    }

    die "PostgreSQL: $@$sql\n" if $@;

    return @rows;
}


sub change {
    my ($self, $sql) = @_;

    return $self->{server}->do($self->{name}, $sql);
}


sub body {
    my ($self, $id) = @_;

    return $self->value('select body from events where id = '
                        . Jamhook::Store::quote($id));
}


sub place { $_[0]->uri }


# its files have what was taken out until the server has cleaned up
sub text {
    my ($self) = @_;

    # bytes as they are, where they are printable
    $self->change("set bytea_output = 'escape'");

    my @tables = $self->rows('select tablename as name from pg_tables where'
                             . " schemaname = 'jamhook'");

    return join "\n", map { $_->{row} }
           map { $self->rows("select t::text as row from jamhook.$_->{name} t") }
           @tables;
}


sub empty {
    my ($self) = @_;

    return !$self->value("select to_regclass('jamhook.deliveries') is not null"
                         . ' as n');
}


# each has two sessions, of which one alone writes
sub users {
    my ($self) = @_;

    return int($self->value('select count(*) from pg_stat_activity where'
                            . " datname = '$self->{name}' and usename ="
                            . " 'jamhook'") / 2);
}


sub check {
    my ($self) = @_;

    my @wrong = grep { length } map {
        my ($what, $sql) = @$_;
        my $n = $self->value($sql);
        $n ? "$n $what" : '';
    } @SOUND;

    $self->change('create extension if not exists amcheck schema tested');
    $self->rows("select tested.bt_index_check(i.indexrelid, true) from pg_index"
                . ' i join pg_class c on c.oid = i.indexrelid where'
                . " c.relnamespace = 'jamhook'::regnamespace");

    return @wrong ? join(', ', @wrong) : 'ok';
}


sub DESTROY {
    my ($self) = @_;

    return if $self->{owner} != $$ || ${^GLOBAL_PHASE} eq 'DESTRUCT';

    local ($?, $@, $!);
    eval { $self->{server}->dropdb($self->{name}) };
}


1;

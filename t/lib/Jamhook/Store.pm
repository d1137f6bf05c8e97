package Jamhook::Store;

# A store of a test: its directory, and what is in its database.
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
#   $store->idle                       waits until none is pending or sending
#
# The database is read by the sqlite3 shell, read-only, in one short process
# each time; values are quoted with Jamhook::Store::quote(). What is there is
# the state of the last commit.

use strict;
use warnings;

use File::Path qw(make_path remove_tree);
use JSON::PP ();
use POSIX ();
use Time::HiRes qw(time sleep);

use Jamhook::Env;

our @STATES = qw(pending sending succeeded failed);
our @RESULTS = qw(succeeded failed interrupted);

my $json = JSON::PP->new->utf8->boolean_values(0, 1);


# The directory, made so that the workers can write: nginx of the tests has the
# user who runs them ("user root" where that is root), another one is given.
sub new {
    my ($class, $dir, %opt) = @_;

    my $self = bless { dir => $dir, params => $opt{params} || '' }, $class;

    make_path($dir, { mode => 0700 });

    if (defined $opt{user}) {
        my ($uid, $gid) = (getpwnam $opt{user})[2, 3];
        die "no user $opt{user}" unless defined $uid;
        chown $uid, $gid, $dir or die "$dir: $!";
    }

    return $self;
}


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
    return \%counts unless -s $self->file;

    my @rows = eval {
        $self->rows("select state, count(*) as n from deliveries $where"
                    . " group by state");
    };

    die $@ if $@ && $@ !~ /no such table/;

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

sub of_block {
    my ($class) = @_;

    return $class->new(Jamhook::Env::tmp() . '/store');
}


if (defined &Test::Nginx::Util::add_block_preprocessor) {
    Test::Nginx::Util::add_block_preprocessor(sub {
        my ($block) = @_;

        return unless defined $block->store;

        my $params = $block->store =~ s/\s+/ /gr =~ s/^ | $//gr;
        my $dir = Jamhook::Env::tmp() . '/store';
        my $line = "jamhook_store sqlite:$dir"
                   . (length $params ? " $params" : '') . ";\n";

        $block->set_value('http_config', $line . ($block->http_config || ''));
        remove_tree($dir) unless $Jamhook::Env::HUP;
        __PACKAGE__->of_block;
    });
}


1;

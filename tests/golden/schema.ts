// Types of the models, inputs, outputs and metadata of this program's integrations.
// Generated from the declarations of its functions; changes in this file are lost.

/**
 * An integer of 64 bits. The JSON contains it exactly, but `JSON.parse` rounds a value beyond ±(2^53 - 1): if such
 * values occur, parse the response with a library that keeps them.
 */
export type Int64 = number;

/** Integration `github`. */
export namespace Github {
  /** An issue to create in the demo repository. */
  export interface CreateIssueInput {
    /** Title of the issue; the action prepends `[demo]`. */
    title: string;
  }

  /** The issue that was created. */
  export interface CreateIssueResult {
    /** URL of the issue on the website. */
    url: string;
    /** Status of GitHub's response, 201. */
    status: number;
  }

  /** A label to create. */
  export interface CreateLabelInput {
    /** Account that owns the repository. */
    owner: string;
    /** Name of the repository. */
    repo: string;
    /** Name of the label. */
    name: string;
    /** Colour, as six hexadecimal digits without `#`. */
    color: string;
  }

  /** An issue of a repository. A webhook that is older than the stored issue does not change it. */
  export interface GithubIssue {
    /** Id of the issue, unique across all repositories. */
    id: string;
    /** Number of the issue in its repository. */
    number: Int64;
    /** URL of the issue on the website. */
    url: string;
    /** Title of the issue. */
    title: string;
    /** Text of the issue in Markdown. */
    body: string | null;
    /** State, `open` or `closed`. */
    state: string;
    /** Reason for the state, such as `completed`. */
    state_reason: string | null;
    /** Login of the author; `null` if the account no longer exists. */
    author: string | null;
    /** Id of the author. */
    author_id: Int64 | null;
    /** Names of the labels. */
    labels: string[];
    /** Logins of the users to whom the issue is assigned. */
    assignees: string[];
    /** Number of comments. */
    comments: Int64;
    /** Number of reactions. */
    reactions: Int64;
    /** Time of creation (RFC 3339). */
    created_at: string;
    /** Time of the last change (RFC 3339). */
    updated_at: string;
    /** Time of closing (RFC 3339). */
    closed_at: string | null;
  }

  /** Changes to an issue that a webhook contains. */
  export interface GithubIssueChange {
    /** Id of the issue. */
    id: Int64;
    /** New title. */
    title?: string | null;
    /** New text; `null` removes the text. */
    body?: string | null;
    /** New state. */
    state?: string | null;
    /** Time of the change (RFC 3339). */
    updated_at?: string | null;
  }

  /** An issue of the demo repository. */
  export interface GithubIssueDemo {
    /** Id of the issue. */
    id: string;
    /** Title of the issue. */
    title: string;
    /** URL of the issue on the website. */
    url: string;
  }

  /** A label of a repository. */
  export interface GithubLabel {
    /** Id of the label. */
    id: Int64;
    /** Name of the label. */
    name: string;
    /** Colour, as six hexadecimal digits without `#`. */
    color: string;
    /** Description of the label. */
    description: string | null;
  }

  /** A webhook of the type `issues.*`. */
  export interface IssueEvent {
    /** Action, such as `edited` or `deleted`. */
    action: string;
    /** Changed fields of the issue. */
    issue: GithubIssueChange;
  }

  /** A label of a repository, by name. */
  export interface LabelInput {
    /** Account that owns the repository. */
    owner: string;
    /** Name of the repository. */
    repo: string;
    /** Name of the label. */
    name: string;
  }

  /** The repository whose labels are listed. */
  export interface LabelsInput {
    /** Account that owns the repository. */
    owner: string;
    /** Name of the repository. */
    repo: string;
  }

  /** Metadata of a connection: the repository to sync. */
  export interface Repository {
    /** Account that owns the repository. */
    owner: string;
    /** Name of the repository. */
    repo: string;
  }

  /** A change to an issue. Fields that are not given are unchanged. */
  export interface UpdateIssueInput {
    /** Account that owns the repository. */
    owner: string;
    /** Name of the repository. */
    repo: string;
    /** Number of the issue in the repository. */
    number: Int64;
    /** New title. */
    title?: string | null;
    /** New text in Markdown. */
    body?: string | null;
    /** New state, `open` or `closed`. */
    state?: string | null;
  }

  /** The issue after the change. */
  export interface UpdateIssueResult {
    /** URL of the issue on the website. */
    url: string;
    /** State, `open` or `closed`. */
    state: string;
  }

  /** A change to a label. Fields that are not given are unchanged. */
  export interface UpdateLabelInput {
    /** Account that owns the repository. */
    owner: string;
    /** Name of the repository. */
    repo: string;
    /** Name of the label. */
    name: string;
    /** New name. */
    new_name?: string | null;
    /** New colour, as six hexadecimal digits without `#`. */
    color?: string | null;
  }

  /** Syncs by name: their models and the types of their values. */
  export interface Syncs {
    /** Fetches the issues of the demo repository. */
    "issues-demo": {
      models: { GithubIssueDemo: GithubIssueDemo };
      checkpoint: null;
      metadata: null;
      webhook: null;
    };
    /** Fetches the issues of the demo repository, mapped by a function that several syncs share. */
    "issues-demo-mapped": {
      models: { GithubIssueDemo: GithubIssueDemo };
      checkpoint: null;
      metadata: null;
      webhook: null;
    };
    /** Syncs the issues of a repository. */
    "repo-issues": {
      models: { GithubIssue: GithubIssue };
      checkpoint: null;
      metadata: Repository;
      webhook: IssueEvent;
    };
    /** Syncs the issues of a repository with a hand-written loop. */
    "repo-issues-by-hand": {
      models: { GithubIssue: GithubIssue };
      checkpoint: null;
      metadata: Repository;
      webhook: null;
    };
  }

  /** Actions by name. */
  export interface Actions {
    /** Creates an issue in the demo repository. */
    "create-issue": {
      input: CreateIssueInput;
      output: CreateIssueResult;
      checkpoint: null;
      metadata: null;
    };
    /** Creates a label in a repository. */
    "create-label": {
      input: CreateLabelInput;
      output: GithubLabel;
      checkpoint: null;
      metadata: null;
    };
    /** Deletes a label. Returns whether it existed. */
    "delete-label": {
      input: LabelInput;
      output: boolean;
      checkpoint: null;
      metadata: null;
    };
    /** Returns a label by name, or `null` if it does not exist. */
    "get-label": {
      input: LabelInput;
      output: GithubLabel | null;
      checkpoint: null;
      metadata: null;
    };
    /** Lists the labels of a repository. */
    "list-labels": {
      input: LabelsInput;
      output: GithubLabel[];
      checkpoint: null;
      metadata: null;
    };
    /** Changes the title, text or state of an issue. */
    "update-issue": {
      input: UpdateIssueInput;
      output: UpdateIssueResult;
      checkpoint: null;
      metadata: null;
    };
    /** Changes the name or the colour of a label. */
    "update-label": {
      input: UpdateLabelInput;
      output: GithubLabel;
      checkpoint: null;
      metadata: null;
    };
  }

  /** Functions on events of a connection, by name. */
  export interface Events {
    /** Refuses a connection if its credentials cannot read the repository in its metadata. */
    "check-repository": {
      metadata: null;
    };
  }
}

/** Integration `google-calendar`. */
export namespace GoogleCalendar {
  /** An event of a Google calendar. A recurring event is one record, and each of its exceptions is another one. */
  export interface CalendarEvent {
    /** Id of the event. */
    id: string;
    /** Title of the event. */
    summary: string | null;
    /** Start: a date for an event of whole days, otherwise a time (RFC 3339). */
    start: string | null;
    /** End, which is not a part of the event, in the form of the start. */
    end: string | null;
    /** Id of the recurring event of which this event is an exception. */
    recurring_event_id: string | null;
  }

  /** Metadata of a connection: the calendar to sync. */
  export interface GoogleCalendar {
    /** Id of the calendar; `primary`, the default, is the calendar of the user. */
    calendar_id?: string;
  }

  /** Syncs by name: their models and the types of their values. */
  export interface Syncs {
    /** Syncs the events of a calendar. */
    events: {
      models: { CalendarEvent: CalendarEvent };
      checkpoint: null;
      metadata: GoogleCalendar;
      webhook: null;
    };
  }

  /** Actions by name. */
  export interface Actions {
  }

  /** Functions on events of a connection, by name. */
  export interface Events {
  }
}

/** Integration `hubspot`. */
export namespace Hubspot {
  /** A contact. */
  export interface HubspotContact {
    /** HubSpot's id of the contact. */
    id: string;
    /** The mail address. */
    email: string | null;
    /** First and last name, as far as they are known. */
    name: string;
    /** When it last changed (RFC 3339). */
    updated_at: string;
  }

  /** Syncs by name: their models and the types of their values. */
  export interface Syncs {
    /** Syncs the contacts of a portal. */
    contacts: {
      models: { HubspotContact: HubspotContact };
      checkpoint: null;
      metadata: null;
      webhook: null;
    };
  }

  /** Actions by name. */
  export interface Actions {
  }

  /** Functions on events of a connection, by name. */
  export interface Events {
  }
}

/** Integration `jira`. */
export namespace Jira {
  /** A project of a Jira site. */
  export interface JiraProject {
    /** Id of the project. */
    id: string;
    /** Key of the project, the prefix of its issue keys. */
    key: string;
    /** Name of the project. */
    name: string;
    /** Type of the project: `software`, `service_desk` or `business`. */
    kind: string;
  }

  /** Syncs by name: their models and the types of their values. */
  export interface Syncs {
    /** Syncs the projects of a site. */
    projects: {
      models: { JiraProject: JiraProject };
      checkpoint: null;
      metadata: null;
      webhook: null;
    };
  }

  /** Actions by name. */
  export interface Actions {
  }

  /** Functions on events of a connection, by name. */
  export interface Events {
  }
}

/** Integration `linear`. */
export namespace Linear {
  /** An issue of a Linear team. */
  export interface LinearIssue {
    /** Id of the issue. */
    id: string;
    /** Readable id, such as `ENG-12`. */
    identifier: string;
    /** Title of the issue. */
    title: string;
    /** Name of the state, which each team defines. */
    state: string;
    /** Name of the person who works on it. */
    assignee: string | null;
    /** Time of the last change. */
    updated_at: string;
  }

  /** Metadata of a connection: the team to sync. */
  export interface LinearTeam {
    /** Key of the team, the prefix of its issues. */
    team: string;
  }

  /** Syncs by name: their models and the types of their values. */
  export interface Syncs {
    /** Syncs the issues of a team. */
    issues: {
      models: { LinearIssue: LinearIssue };
      checkpoint: null;
      metadata: LinearTeam;
      webhook: null;
    };
  }

  /** Actions by name. */
  export interface Actions {
  }

  /** Functions on events of a connection, by name. */
  export interface Events {
  }
}

/** Integration `notion`. */
export namespace Notion {
  /** Metadata of a connection: the database to sync. */
  export interface NotionDatabase {
    /** Id of the database, as in its URL. */
    database_id: string;
  }

  /** A page of a Notion database. */
  export interface NotionPage {
    /** Id of the page. */
    id: string;
    /** Title of the page, without formatting. */
    title: string;
    /** URL of the page. */
    url: string;
    /** Time of the last change. */
    updated_at: string;
  }

  /** Syncs by name: their models and the types of their values. */
  export interface Syncs {
    /** Syncs the pages of a database. */
    pages: {
      models: { NotionPage: NotionPage };
      checkpoint: null;
      metadata: NotionDatabase;
      webhook: null;
    };
  }

  /** Actions by name. */
  export interface Actions {
  }

  /** Functions on events of a connection, by name. */
  export interface Events {
  }
}

/** Integration `shopify`. */
export namespace Shopify {
  /** An order of a Shopify shop. */
  export interface ShopifyOrder {
    /** Id of the order. */
    id: string;
    /** Name that customers see, such as `#1001`. */
    name: string;
    /** Email address of the customer. */
    email: string | null;
    /** Currency of the shop, as three upper-case letters. */
    currency: string;
    /** Sum of all lines, taxes and shipping, as a decimal number. */
    total_price: string;
    /** Status of the payment, such as `paid`. */
    financial_status: string | null;
    /** Time when the order was cancelled. */
    cancelled_at: string | null;
    /** Time of the last change. */
    updated_at: string;
  }

  /** A line of an order. */
  export interface ShopifyOrderLine {
    /** Id of the line. */
    id: string;
    /** Id of the order. */
    order_id: Int64;
    /** Id of the product; `None` if the product was deleted. */
    product_id: Int64 | null;
    /** Name of the product when it was ordered. */
    title: string;
    /** Stock keeping unit of the variant. */
    sku: string | null;
    /** Number of items, without those that were removed. */
    quantity: number;
    /** Price of one item, as a decimal number. */
    price: string;
  }

  /** Syncs by name: their models and the types of their values. */
  export interface Syncs {
    /** Syncs the orders of a shop with their lines. */
    orders: {
      models: { ShopifyOrder: ShopifyOrder; ShopifyOrderLine: ShopifyOrderLine };
      checkpoint: null;
      metadata: null;
      webhook: null;
    };
  }

  /** Actions by name. */
  export interface Actions {
  }

  /** Functions on events of a connection, by name. */
  export interface Events {
  }
}

/** Integration `slack`. */
export namespace Slack {
  /** A channel of a Slack workspace. */
  export interface SlackChannel {
    /** Id of the channel, such as `C123`. */
    id: string;
    /** Name of the channel, without `#`. */
    name: string;
    /** Whether only members can see it. */
    is_private: boolean;
    /** Whether it is archived. */
    is_archived: boolean;
    /** Number of members of the channel. */
    members: Int64 | null;
  }

  /** A channel that the bot has joined, which is a parent of messages. */
  export interface SlackJoinedChannel {
    /** Id of the channel, such as `C123`. */
    id: string;
    /** Name of the channel, without `#`. */
    name: string;
  }

  /** A message of a Slack channel. */
  export interface SlackMessage {
    /** Id of the channel and timestamp of the message, such as `C123-1512085950.000216`. */
    id: string;
    /** Id of the channel. */
    channel: string;
    /** Timestamp of the message, its id within the channel. */
    ts: string;
    /** Id of the user who wrote it; absent for a message of an app. */
    user: string | null;
    /** Text in Slack's format. */
    text: string;
    /** Timestamp of the first message of its thread. */
    thread_ts: string | null;
  }

  /** A member of a Slack workspace. */
  export interface SlackUser {
    /** Id of the user, such as `U123`. */
    id: string;
    /** Short name of the user. */
    name: string;
    /** Full name of the user. */
    real_name: string | null;
    /** Email address of the user, which requires the scope `users:read.email`. */
    email: string | null;
    /** Whether the user is a bot. */
    is_bot: boolean;
  }

  /** Syncs by name: their models and the types of their values. */
  export interface Syncs {
    /** Syncs the channels of a workspace. */
    channels: {
      models: { SlackChannel: SlackChannel };
      checkpoint: null;
      metadata: null;
      webhook: null;
    };
    /** Syncs the channels that the bot has joined: Slack returns the messages of these only. */
    "joined-channels": {
      models: { SlackJoinedChannel: SlackJoinedChannel };
      checkpoint: null;
      metadata: null;
      webhook: null;
    };
    /** Syncs the messages of the channels that the bot has joined, without the replies in threads. */
    messages: {
      models: { SlackMessage: SlackMessage };
      checkpoint: null;
      metadata: null;
      webhook: null;
    };
    /** Syncs the users of a workspace. A deactivated user is deleted. */
    users: {
      models: { SlackUser: SlackUser };
      checkpoint: null;
      metadata: null;
      webhook: null;
    };
  }

  /** Actions by name. */
  export interface Actions {
  }

  /** Functions on events of a connection, by name. */
  export interface Events {
  }
}

/** Integration `stripe`. */
export namespace Stripe {
  /** Changes to an invoice that a webhook contains. */
  export interface InvoiceChange {
    /** Id of the invoice. */
    id: string;
    /** New number of the invoice. */
    number?: string | null;
    /** New status of the invoice. */
    status?: string | null;
    /** New amount that is due. */
    amount_due?: Int64 | null;
    /** New amount that was paid. */
    amount_paid?: Int64 | null;
  }

  /** A webhook of the type `invoice.*`. */
  export interface InvoiceEvent {
    /** Type of the event, such as `invoice.paid`. */
    type: string;
    /** Content of the event. */
    data: InvoiceEventData;
  }

  /** Content of an event. */
  export interface InvoiceEventData {
    /** The invoice after the event. */
    object: InvoiceChange;
  }

  /** A customer of a Stripe account. */
  export interface StripeCustomer {
    /** Id of the customer, such as `cus_123`. */
    id: string;
    /** Email address of the customer. */
    email: string | null;
    /** Full name of the person, or name of the business. */
    name: string | null;
    /** Whether the newest invoice is overdue. */
    delinquent: boolean;
    /** Time when the customer was created. */
    created: string;
  }

  /** An invoice of a Stripe account. Amounts are in the smallest unit of the currency, such as cents. */
  export interface StripeInvoice {
    /** Id of the invoice, such as `in_123`. */
    id: string;
    /** Id of the customer. */
    customer: string | null;
    /** Number that is printed on the invoice; drafts have none. */
    number: string | null;
    /** Status: `draft`, `open`, `paid`, `uncollectible` or `void`. */
    status: string | null;
    /** Currency, as three lower-case letters. */
    currency: string;
    /** Amount that is due. */
    amount_due: Int64;
    /** Amount that was paid. */
    amount_paid: Int64;
    /** Time when the invoice was created. */
    created: string;
  }

  /** Syncs by name: their models and the types of their values. */
  export interface Syncs {
    /** Syncs the customers of an account. */
    customers: {
      models: { StripeCustomer: StripeCustomer };
      checkpoint: null;
      metadata: null;
      webhook: null;
    };
    /** Syncs the invoices of an account. */
    invoices: {
      models: { StripeInvoice: StripeInvoice };
      checkpoint: null;
      metadata: null;
      webhook: InvoiceEvent;
    };
  }

  /** Actions by name. */
  export interface Actions {
  }

  /** Functions on events of a connection, by name. */
  export interface Events {
  }
}

/** Integration `zendesk`. */
export namespace Zendesk {
  /** A ticket of a Zendesk account. */
  export interface ZendeskTicket {
    /** Id of the ticket. */
    id: string;
    /** Subject of the ticket. */
    subject: string | null;
    /** Status of the ticket, such as `open` or `solved`. */
    status: string;
    /** Priority of the ticket: `low`, `normal`, `high` or `urgent`. */
    priority: string | null;
    /** Id of the user who requested the ticket. */
    requester_id: Int64 | null;
    /** Time of the last change. */
    updated_at: string;
  }

  /** Syncs by name: their models and the types of their values. */
  export interface Syncs {
    /** Syncs the tickets of an account by the incremental export. */
    tickets: {
      models: { ZendeskTicket: ZendeskTicket };
      checkpoint: null;
      metadata: null;
      webhook: null;
    };
  }

  /** Actions by name. */
  export interface Actions {
  }

  /** Functions on events of a connection, by name. */
  export interface Events {
  }
}

/** Integrations by name. */
export interface Integrations {
  github: { syncs: Github.Syncs; actions: Github.Actions; events: Github.Events };
  "google-calendar": { syncs: GoogleCalendar.Syncs; actions: GoogleCalendar.Actions; events: GoogleCalendar.Events };
  hubspot: { syncs: Hubspot.Syncs; actions: Hubspot.Actions; events: Hubspot.Events };
  jira: { syncs: Jira.Syncs; actions: Jira.Actions; events: Jira.Events };
  linear: { syncs: Linear.Syncs; actions: Linear.Actions; events: Linear.Events };
  notion: { syncs: Notion.Syncs; actions: Notion.Actions; events: Notion.Events };
  shopify: { syncs: Shopify.Syncs; actions: Shopify.Actions; events: Shopify.Events };
  slack: { syncs: Slack.Syncs; actions: Slack.Actions; events: Slack.Events };
  stripe: { syncs: Stripe.Syncs; actions: Stripe.Actions; events: Stripe.Events };
  zendesk: { syncs: Zendesk.Syncs; actions: Zendesk.Actions; events: Zendesk.Events };
}
